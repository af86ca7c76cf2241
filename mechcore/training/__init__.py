"""Trains small networks and measures their kernels at every epoch."""
