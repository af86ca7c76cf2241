"""What a scheduler needs: cost, packing, resuming, progress, status."""
