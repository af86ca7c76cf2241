"""Plots of kernels, runs and results, for a notebook."""
