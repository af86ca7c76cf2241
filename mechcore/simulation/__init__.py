"""Runs a cell, a film or the controls, and owns what a trajectory file contains."""
