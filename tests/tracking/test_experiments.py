"""What the description of an experiment says is true, and a person's own is left alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mechcore.tracking.experiments import OWN_NOTE
from tests.helpers import stores
from tests.helpers.trackers import Trackers

NOTE = "mlflow.note.content"


def note_of(folder: Path) -> str:
    return str(stores.in_folder(folder)["tiny"]["tags"][NOTE])


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


def test_the_description_that_a_person_wrote_is_left_alone(commands: Trackers, mine: Path) -> None:
    def write(text: str) -> None:
        def change(client: MlflowClient) -> None:
            client.set_experiment_tag(stores.experiment_id(client, "tiny"), NOTE, text)

        stores.by_hand(mine, change)

    original = note_of(mine)
    write("Mine.")
    commands.tracked(mine)
    assert note_of(mine) == "Mine."
    write(f"Edited, with the line that says whose it is.\n\n{OWN_NOTE}")
    commands.tracked(mine)
    assert note_of(mine) == original
