"""Kernels, patterns, activations, boundaries and norms, and what theory says of them exactly."""
