"""Kernels of trained networks: read, analysed, summarised, run."""
