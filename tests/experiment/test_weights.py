"""The formats of weight files by suffix."""

from __future__ import annotations

from pathlib import Path

import pytest

from mechcore.errors import InvalidValue
from mechcore.experiment.weights import FORMATS, bank_name, check_weights
from tests.helpers.weight_files import WRITERS


def test_every_format_has_a_writer_for_the_tests() -> None:
    assert list(WRITERS) == list(FORMATS)


@pytest.mark.parametrize("suffix", FORMATS)
def test_banks_are_named_without_the_suffix_in_any_case(suffix: str) -> None:
    assert bank_name(Path(f"models/NET{suffix.upper()}")) == "NET"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("net.onx", " (did you mean '.onnx'?)"),
        ("net.npy", "; numpy.savez('net.npz', conv=array) converts an array"),
        ("net", ""),
        ("net.zip", ""),
    ],
)
def test_an_unknown_suffix_is_refused_with_advice(tmp_path: Path, name: str, advice: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        check_weights(tmp_path / name, "untrained")
    known = f"a file that ends in {', '.join(FORMATS)}{advice}"
    assert str(caught.value) == f"untrained: {name!r} is not allowed, expected {known}"
