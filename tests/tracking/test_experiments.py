"""What the description of an experiment says is true, and a person's own is left alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mechcore.tracking.experiments import OWN_NOTE
from mechcore.tracking.views import VIEW_TAG
from tests.helpers import stores
from tests.helpers.trackers import Trackers

NOTE = "mlflow.note.content"


def tag_of(folder: Path, tag: str) -> str:
    return str(stores.in_folder(folder)["tiny"]["tags"][tag])


def note_of(folder: Path) -> str:
    return tag_of(folder, NOTE)


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("all current cells", ["dct-modulus-k2", "dct-relu-k2"]),
        ("activations at size 2", ["dct-modulus-k2", "dct-relu-k2"]),
        ("sizes under relu", ["dct-relu-k2"]),
        ("all sweeps", ["dct-modulus-k2", "dct-modulus-k2", "dct-relu-k2", "dct-relu-k2"]),
    ],
)
def test_the_searches_of_the_description_list_what_they_promise(
    changed: Path, comparison: str, expected: list[str]
) -> None:
    [search] = re.findall(rf"^\| {comparison} \| ``(.*)`` \|$", note_of(changed), re.MULTILINE)
    with stores.opened(changed) as client:
        runs = client.search_runs([stores.experiment_id(client, "tiny")], search)
    assert sorted(run.info.run_name for run in runs) == expected


def write(folder: Path, tag: str, text: str) -> None:
    def change(client: MlflowClient) -> None:
        client.set_experiment_tag(stores.experiment_id(client, "tiny"), tag, text)

    stores.by_hand(folder, change)


def test_the_description_that_a_person_wrote_is_left_alone(commands: Trackers, mine: Path) -> None:
    original = note_of(mine)
    write(mine, NOTE, "Mine.")
    commands.tracked(mine)
    assert note_of(mine) == "Mine."
    write(mine, NOTE, f"Edited, with the line that says whose it is.\n\n{OWN_NOTE}")
    commands.tracked(mine)
    assert note_of(mine) == original


def test_the_view_that_a_person_changed_is_left_alone(commands: Trackers, mine: Path) -> None:
    original = tag_of(mine, VIEW_TAG)
    # As MLflow writes it: with the time of the change.
    changed = json.dumps(json.loads(original) | {"name": "Mine", "updatedAt": 1795985396172})
    write(mine, VIEW_TAG, changed)
    commands.tracked(mine)
    assert tag_of(mine, VIEW_TAG) == changed
    write(mine, VIEW_TAG, json.dumps(json.loads(original) | {"name": "Of an earlier version"}))
    commands.tracked(mine)
    assert tag_of(mine, VIEW_TAG) == original
