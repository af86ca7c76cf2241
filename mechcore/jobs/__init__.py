"""What a scheduler needs and reports: cost, packing, resuming, progress and status."""
