"""The names of the files and folders of an experiment; Snakemake's rules write the same names."""

from __future__ import annotations

RESULTS, REPORTS = "results", "reports"
"""Folders of the project; each holds a folder for every experiment."""

TRAJECTORIES = "trajectories"
FILMS = "films"
BANKS = "filters"
BANK_RUNS = "filter_runs"
NETWORKS = "networks"
TRAININGS = "training"
"""Folders of results with a netCDF file for every cell, film, bank, run of a bank, network on a set
of images, and training."""

CONTROLS_FILE = "controls.nc"

METRICS_FILE = "metrics.csv"
MECHANICS_FILE = "mechanics.csv"
KERNELS_FILE = "kernels.csv"
REGRESSIONS_FILE = "regressions.csv"
CELLS_FILE = "cells.csv"
REPRODUCTION_FILE = "reproduction.csv"
CENSUS_FILE = "census.csv"
NETWORKS_FILE = "networks.csv"
TRAINING_FILE = "training.csv"
TRAINING_TESTS_FILE = "training_tests.csv"
"""Tables among the results."""

CLAIMS_FILE = "claims.json"
SWEEP_FILE = "sweep.json"
CERTIFICATE_FILE = "certificate.json"
TRACKING_FILE = "tracking.json"

PAGE_FILE, APPENDIX_FILE = "index.html", "appendix.html"
"""The report."""
