"""Nothing is logged twice, and what somebody changed or cut off is mended."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import yaml
from mlflow import MlflowClient

from tests.helpers import stores
from tests.helpers.trackers import WITH_BANKS, Trackers


def edit(folder: Path, *statements: str) -> None:
    """Change a store behind MLflow's back, as no page of it would."""
    with sqlite3.connect(folder / "mlflow.db") as database:
        for statement in statements:
            assert database.execute(statement).rowcount > 0, statement
    database.close()


def test_tracking_again_changes_nothing(commands: Trackers, mine: Path) -> None:
    # Once for the addresses of the artifacts, which are those of the store that this is a copy of.
    commands.tracked(mine)
    before = (mine / "mlflow.db").read_bytes()
    assert commands.tracked(mine).startswith("0 logged, 5 unchanged, 0 superseded")
    assert (mine / "mlflow.db").read_bytes() == before


def test_a_changed_cell_supersedes_its_run(changed: Path) -> None:
    with stores.opened(changed) as client:
        runs = {run.info.run_id: run for run in stores.runs_of(client, "tiny")}
    old = [run for run in runs.values() if "mechcore.superseded_by" in run.data.tags]
    assert (len(runs), len(old)) == (8, 2)
    for run in old:
        new = runs[run.data.tags["mechcore.superseded_by"]]
        assert new.data.tags["mechcore.cell_id"] == run.data.tags["mechcore.cell_id"]
        assert new.data.params["steps"] == "9"


def test_a_rebuild_redirects_what_was_superseded(commands: Trackers, superseded: Path) -> None:
    before = stores.in_folder(superseded)
    assert commands.tracked(superseded, "--rebuild").startswith(
        "3 logged, 0 unchanged, 0 superseded"
    )
    assert stores.in_folder(superseded) == before


WRONG = {
    "a param": "UPDATE params SET value = 'gelu' WHERE key = 'activation'",
    "a metric": "UPDATE metrics SET value = value + 1 WHERE key = 'delta_speed'",
    "a missing metric": "DELETE FROM metrics WHERE key = 'delta_sigma_final'",
    "a tag": "UPDATE tags SET value = 'else' WHERE key = 'mlflow.source.git.commit'",
    "a name": "UPDATE tags SET value = 'else' WHERE key = 'mlflow.runName'",
    "a time": "UPDATE runs SET end_time = end_time + 1 WHERE name = 'filters/digits'",
    "a state": "UPDATE runs SET status = 'KILLED' WHERE name = 'dct-relu-k2'",
    "a deleted run": "UPDATE runs SET lifecycle_stage = 'deleted' WHERE name = 'dct-modulus-k2'",
    "a missing input": "DELETE FROM inputs",
}


def test_a_rebuild_mends_what_somebody_changed(commands: Trackers, mine: Path) -> None:
    before = stores.in_folder(mine)
    for statement in WRONG.values():
        edit(mine, statement)
    assert stores.in_folder(mine) != before
    commands.tracked(mine, "--rebuild")
    assert stores.in_folder(mine) == before


def test_a_deleted_run_is_logged_again_and_what_it_superseded_points_to_it(
    commands: Trackers, superseded: Path
) -> None:
    before = stores.in_folder(superseded)
    current = json.loads((superseded / "r.json").read_text())["runs"]["dct-relu-k2"]
    stores.by_hand(superseded, lambda client: client.delete_run(current))
    assert commands.tracked(superseded).startswith("1 logged, 2 unchanged, 0 superseded")
    assert stores.in_folder(superseded) == before


def test_a_run_that_was_cut_off_is_logged_anew(commands: Trackers, mine: Path) -> None:
    """A param or a tag of the environment may have changed since: a store keeps a param's first."""
    before = stores.in_folder(mine)
    edit(
        mine,
        "UPDATE runs SET status = 'RUNNING', end_time = NULL",
        "UPDATE params SET value = '3.0' WHERE key = 'python'",
        "UPDATE tags SET value = 'none' WHERE key = 'mechcore.sweep'",
    )
    assert commands.tracked(mine).startswith("5 logged, 0 unchanged, 0 superseded")
    assert stores.in_folder(mine) == before


def test_a_deleted_experiment_is_restored_with_each_run_once(
    commands: Trackers, mine: Path
) -> None:
    before = stores.in_folder(mine)
    commands.tracked(mine, "--rebuild")

    def delete(client: MlflowClient) -> None:
        client.delete_experiment(stores.experiment_id(client, "tiny"))

    # MLflow restores with it all its runs, those that the rebuild deleted as well.
    stores.by_hand(mine, delete)
    assert commands.tracked(mine).startswith("0 logged, 5 unchanged, 0 superseded")
    assert stores.in_folder(mine) == before


def test_runs_of_simulations_are_rebuilt_and_not_repeated(commands: Trackers, mine: Path) -> None:
    config = WITH_BANKS | {"track": {"per_simulation": True}}
    (mine / "config.yaml").write_text(yaml.safe_dump(config))
    assert commands.tracked(mine).startswith("10 logged, 5 unchanged, 0 superseded")
    before = stores.in_folder(mine)
    assert commands.tracked(mine).startswith("0 logged, 15 unchanged, 0 superseded")
    assert commands.tracked(mine, "--rebuild").startswith("15 logged, 0 unchanged, 0 superseded")
    assert stores.in_folder(mine) == before
