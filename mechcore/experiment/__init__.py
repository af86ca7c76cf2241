"""From configuration to grid: what is planned, and where each file will lie; runs nothing."""
