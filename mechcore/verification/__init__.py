"""Computes results again and compares them with the files."""
