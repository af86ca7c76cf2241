"""From configuration to grid: what is planned, and where each file goes; runs nothing."""
