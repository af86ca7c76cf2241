"""Runs a cell, a film or the controls, and defines the trajectory file."""
