"""Facts about code, libraries and machine."""

from __future__ import annotations

import os

import pytest

from mechcore.io.code_state import UNKNOWN
from mechcore.io.environment import THREAD_LIMITS, Environment, current_environment
from mechcore.io.provenance import COMPUTING


def test_the_environment_tells_what_can_change_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(THREAD_LIMITS):
        monkeypatch.setenv(name, str(number))
    environment = current_environment()
    assert environment.threads == {name: str(number) for number, name in enumerate(THREAD_LIMITS)}
    assert environment.blas != UNKNOWN
    assert environment.cores == os.cpu_count()
    assert set(COMPUTING) < set(environment.libraries)
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert current_environment().target == "generic" != environment.target


def test_an_environment_of_an_older_version_is_still_read() -> None:
    new = ("target", "vector_instructions", "blas")
    known = current_environment().model_dump(exclude=set(new))
    older = Environment.model_validate(known)
    assert [getattr(older, name) for name in new] == [UNKNOWN] * 3
