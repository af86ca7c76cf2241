"""What the scheduler needs: cost, packing, status and resuming."""
