"""From configuration to grid: all that is planned, and the names of all files; runs nothing."""
