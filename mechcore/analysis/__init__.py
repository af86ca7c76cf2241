"""From trajectories to numbers: observables, then fits over beta, cells and pools."""
