"""Runs a cell, a film or the controls, and defines what a trajectory file contains."""
