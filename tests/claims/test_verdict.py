"""``claims.json``: what is written is read again, and any other content is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mechcore.claims.verdict import BROKEN, REPRODUCED, Claim, Figure, read_claims, write_claims
from tests.helpers.refusals import refused

CLAIM = Claim(
    id="C1",
    kind="claim",
    statement="Speed is linear in β.",
    figures=[Figure(name="gap", value=0.5, unit="px", source="metrics.csv")],
    test="Within 5 %.",
    verdict=REPRODUCED,
    range="everywhere",
    section="speed",
    data=["metrics.csv"],
)
CONTROL = CLAIM.model_copy(update={"id": "N1", "kind": "control", "verdict": BROKEN})
CONTENT = CLAIM.model_dump()


def with_figure(**change: object) -> list[object]:
    return [CONTENT | {"figures": [CONTENT["figures"][0] | change]}]


def test_file_holds_what_was_written(tmp_path: Path) -> None:
    write_claims([CLAIM, CONTROL], tmp_path / "claims.json")
    assert read_claims(tmp_path / "claims.json") == [CLAIM, CONTROL]
    first, _ = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert {"id", "statement", "figures", "test", "verdict", "range"} <= set(first)


@pytest.mark.parametrize("value", [0.5, 3, None])
def test_figures_have_numbers_of_any_kind(value: float | None, tmp_path: Path) -> None:
    (tmp_path / "claims.json").write_text(json.dumps(with_figure(value=value)))
    assert read_claims(tmp_path / "claims.json")[0].figures[0].value == value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "claims: None is not allowed, expected a list"),
        ([], "claims: [] is not allowed, expected at least one value"),
        (CONTENT, "expected a list"),
        ([CONTENT, 1], "claims[1]: 1 is not allowed, expected"),
        ([{"id": "C1"}], "claims[0].kind: missing"),
        ([CONTENT | {"verdict": "broken"}], "verdict: 'broken' is not allowed, expected reprod"),
        (
            [CONTENT | {"kind": "guess"}],
            "kind: 'guess' is not allowed, expected claim or finding or",
        ),
        ([CONTENT | {"mood": "good"}], "'claims[0].mood' is not a known key"),
        (with_figure(value=np.nan), "figures[0].value: nan is not allowed, expected a finite"),
    ],
)
def test_other_content_is_refused(content: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    path.write_text(json.dumps(content))
    with refused(f"{path}: ", message):
        read_claims(path)


def test_missing_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    with refused("missing, expected what mechcore judge writes"):
        read_claims(path)
    path.write_text("{")
    with refused("is not JSON"):
        read_claims(path)
