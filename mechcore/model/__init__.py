"""Kernels, patterns, activations, boundaries and norms, and their exact theory."""
