"""What tracking did, for the report and for people: ``tracking.json``."""

from __future__ import annotations

from mechcore.io.json_models import Settings


class Receipt(Settings):
    """What tracking did, and MLflow's ids of the experiments and of the current runs, by name."""

    uri: str
    sweep: str
    experiments: dict[str, str]
    runs: dict[str, str]
    logged: int
    unchanged: int
    superseded: int
    failed: int
    """How many of the current runs report a failure."""
