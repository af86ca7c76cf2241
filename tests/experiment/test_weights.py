"""The formats of weight files by content, and the names of banks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from mechcore.errors import MechcoreError
from mechcore.experiment.banks import filter_run, planned_banks
from mechcore.experiment.config import load_experiment
from mechcore.experiment.input_files import input_paths
from mechcore.experiment.weight_files import bank_names, check_weights
from mechcore.experiment.weights import FORMATS, SUFFIXES, Reading, format_of
from tests.faults.bad_configs import GOOD
from tests.helpers.weight_files import WRITERS


@pytest.mark.parametrize("suffix", WRITERS)
def test_content_decides_on_the_format(tmp_path: Path, suffix: str) -> None:
    (expected,) = (name for name, entry in FORMATS.items() if suffix in entry.suffixes)
    path = tmp_path / f"net{suffix}"
    WRITERS[suffix](path, {"conv.weight": np.ones((2, 1, 3, 3), np.float32)})
    for name in ("net", "net.bin", "net.h5", "net.ckpt"):
        assert format_of(path.rename(path.with_name(name))) == expected
        path = path.with_name(name)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_banks_are_named_without_the_suffix_in_any_case(suffix: str) -> None:
    assert bank_names([f"models/NET{suffix.upper()}"]) == ["NET"]


def test_files_of_one_name_are_named_by_their_folders(tmp_path: Path) -> None:
    paths = [tmp_path / run / "last.npz" for run in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        WRITERS[".npz"](path, {"conv.weight": np.ones((2, 1, 3, 3))})
    again = {"weights": str(paths[0]), "name": "own"}
    banks = load_experiment(GOOD | {"filter_banks": [*map(str, paths), again]}).filter_banks
    assert [bank.label for bank in banks] == ["a-last", "b-last", "own"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is empty: copy it again"),
        (b"\x93NUMPY\x01\x00", "is one array: numpy.savez('net.npz', conv=array) converts it"),
        (b"\n<!DOCTYPE html>", "is a web page: download the file that it links to"),
        (b"\x1f\x8b\x08", "is compressed: unpack it"),
        (b"\x08\x01\x12\x05", "is a model of TensorFlow whose variables are not beside it"),
        (b"\x80\x04\x95", "is a pickle, which could run code: save its arrays"),
        (b"PK\x05\x06" + bytes(18), "starts with b'PK"),
        (b"PK\x03\x04", "is a damaged zip archive, copy it again"),
        (b"a text", "starts with b'a text', expected a file of keras, torch, npz"),
    ],
)
def test_other_files_are_named_with_what_to_do(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(MechcoreError, match=re.escape(f"untrained: '{path}' {line}")) as caught:
        check_weights(path, "untrained")
    assert str(caught.value).isprintable()


def test_a_bank_says_how_it_is_read_and_where_its_values_are(tmp_path: Path) -> None:
    WRITERS[".npz"](tmp_path / "a.npz", {"conv.weight": np.ones((2, 1, 3, 3))})
    index = tmp_path / "net.json"
    index.write_text(json.dumps({"weight_map": {"conv.weight": "a.npz"}}))
    bank = {"weights": str(index), "select": ["conv.*", "head.*"], "exclude": ["*.bias"]}
    experiment = load_experiment(GOOD | {"filter_banks": [bank | {"fold_batchnorm": True}]})
    planned = planned_banks(experiment)["net"]
    chosen = {"select": bank["select"], "exclude": bank["exclude"], "fold_batchnorm": True}
    assert planned.reading == Reading(**chosen)
    words = "--layout auto --select conv.* --select head.* --exclude *.bias --fold-batchnorm"
    assert planned.reading.options == words.split()
    assert planned.parts == [str(tmp_path / "a.npz")]
    assert {str(index), *planned.parts} <= set(input_paths(experiment))
    assert filter_run(experiment, planned, "relu").reading == planned.reading
