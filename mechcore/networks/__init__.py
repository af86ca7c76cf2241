"""Whole networks: how far and where each layer moves what it sees."""
