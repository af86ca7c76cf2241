"""Own kernels, activations and patterns: what is accepted, what is refused, and what they give."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

import mechcore
from mechcore.errors import MechcoreError
from mechcore.io.fingerprint import entry_fingerprint
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.decomposition import first_moments
from mechcore.model.extensions import load_extensions
from mechcore.model.kernels import FAMILIES, odd_part
from tests.helpers.ideas import IDEAS

pytestmark = pytest.mark.usefixtures("own_entries_only_here")


@pytest.fixture
def ideas(tmp_path: Path) -> Path:
    path = tmp_path / "ideas.py"
    path.write_text(IDEAS)
    return path


def test_own_entries_are_those_of_the_file(ideas: Path) -> None:
    assert load_extensions(ideas) == [
        "kernels.tent",
        *(f"activations.{name}" for name in ("swish", "prelu", "sine", "sigmoid")),
        "patterns.ring",
    ]
    taps = mechcore.kernel("tent", 4, beta=0.6, angle=90)
    # Rounding of 16 squares.
    assert mechcore.decompose(taps).odd_energy_ratio == pytest.approx(0.36, abs=1e-14)
    x, y = first_moments(taps, odd_part("tent", 4, 90))
    assert (x, y > 0) == (pytest.approx(0, abs=1e-15), True)


def test_what_the_engines_may_assume_is_measured(ideas: Path) -> None:
    load_extensions(ideas)
    assert ACTIVATIONS["prelu"].negative_slope == 0.2
    assert {ACTIVATIONS[name].negative_slope for name in ("swish", "sine")} == {None}
    assert [ACTIVATIONS[name].lipschitz for name in ("swish", "sine")] == [math.inf, 1.0]
    assert [ACTIVATIONS[name].keeps_zero for name in ("swish", "sigmoid")] == [True, False]


@pytest.mark.parametrize("activation", ["swish", "prelu", "sine", "sigmoid"])
@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 9},
        {"steps": 9, "normalise": "none"},
        {"steps": 9, "boundary": "wrap", "domain": 21, "density": "square", "region": "row"},
    ],
    ids=["free", "unnormalised", "finite"],
)
def test_both_engines_run_an_own_activation_alike(
    ideas: Path, activation: str, settings: dict[str, object]
) -> None:
    load_extensions(ideas)
    kernels = np.array([mechcore.kernel("tent", 3, beta) for beta in (0.0, 0.4, 0.9)])
    fast, slow = (
        mechcore.propagate(kernels, activation, "ring", engine=engine, snapshots=[9], **settings)
        for engine in ("compiled", "reference")
    )
    for name in ("mass", "mu_x", "sigma_y", "gain", "extinct_at", "snapshot"):
        # The limit of all comparisons of the engines; snapshots are in single precision.
        limit = 1e-6 if name == "snapshot" else 1e-10
        np.testing.assert_allclose(fast[name], slow[name], rtol=limit, atol=limit)


def test_an_error_of_an_own_activation_stops_the_compiled_engine(tmp_path: Path) -> None:
    path = tmp_path / "fragile.py"
    path.write_text(
        "import numpy as np\n"
        "def cubed(x):\n"
        "    if x.max() == 9.0: raise ArithmeticError('nine')\n"
        "    return x**3\n"
        "ACTIVATIONS = {'cubed': cubed}\n"
    )
    load_extensions(path)
    with pytest.raises(ArithmeticError, match="nine"):
        mechcore.propagate([[9.0]], "cubed", steps=1)


REFUSED = {
    "an even part that is not even": (
        "KERNELS = {'a': (lambda k: np.arange(k * k).reshape(k, k), slope)}",
        "kernels.a: the even part of size 2 x 2 is not even, expected K(-r) = K(r)",
    ),
    "an odd part that is not odd": (
        "KERNELS = {'a': (smooth, lambda k: slope(k) + 1)}",
        "kernels.a: the odd part of size 2 x 2 is not odd, expected K(-r) = -K(r)",
    ),
    "an odd part against its angle": (
        "KERNELS = {'a': (smooth, lambda k: -slope(k))}",
        "kernels.a: the odd part of size 2 x 2 has the first moment (-0.735759, 0), expected one "
        "along 0 degrees: x points right, y down",
    ),
    "an odd part that does not turn": (
        "KERNELS = {'a': Family('', lambda s, n: smooth(s[0]), lambda s, n, a: slope(s[0]))}",
        "kernels.a: the odd part of size 2 x 2 has the first moment (0.735759, 0), expected one "
        "along 45 degrees: x points right, y down",
    ),
    "a part without taps": (
        "KERNELS = {'a': (lambda k: np.zeros((k, k)), slope)}",
        "kernels.a: the even part of size 2 x 2 is zero",
    ),
    "a part of another shape": (
        "KERNELS = {'a': (lambda k: np.ones((3, 3)), slope)}",
        "kernels.a: returns float64 of shape (3, 3), expected real numbers of shape (2, 2)",
    ),
    "chance without a seed": (
        "KERNELS = {'a': (lambda k: smooth(k) * np.random.default_rng().random(), slope)}",
        "kernels.a: differs from call to call, expected chance from a seed alone",
    ),
    "a family that is none": (
        "KERNELS = {'a': smooth}",
        "kernels.a: expected two functions of the size, (even, odd), or a Family",
    ),
    "a name of the package": (
        "KERNELS = {'dct': (smooth, slope)}",
        "kernels.dct: the package has this name already, expected another",
    ),
    "a name that is no file name": (
        "ACTIVATIONS = {'My Idea': np.abs}",
        "activations.My Idea: expected a name of lower-case letters, digits and _, at most 32",
    ),
    "a function that is not pointwise": (
        "ACTIVATIONS = {'a': lambda x: x / (1 + abs(x).max())}",
        "activations.a: not pointwise: what it makes of a number depends on the others",
    ),
    "a function that loses NaN": (
        "ACTIVATIONS = {'a': lambda x: np.where(x > 0, x, 0)}",
        "activations.a: NaN must stay NaN: write np.where(x < 0, 0, x), not np.where(x > 0, x, 0)",
    ),
    "a function with a pole": (
        "ACTIVATIONS = {'a': lambda x: 1 / x}",
        "activations.a: not finite between -40 and 40",
    ),
    "a function with an error": (
        "ACTIVATIONS = {'a': lambda x: x.sqrt()}",
        "activations.a: AttributeError: 'numpy.ndarray' object has no attribute 'sqrt'",
    ),
    "a steeper function than stated": (
        "ACTIVATIONS = {'a': Activation('sin(3x)', lambda x: np.sin(3 * x), lipschitz=2.0)}",
        "activations.a: lipschitz is 2, but it has a slope of 2.997",
    ),
    "an image without pixels": (
        "PATTERNS = {'a': lambda side=3: np.zeros((side, side))}",
        "patterns.a: pattern a: expected a square image, not all zero",
    ),
    "an argument without a number": (
        "PATTERNS = {'a': lambda side: np.ones((side, side))}",
        "patterns.a: the argument side needs a number as its default",
    ),
    "no entries": ("", "no entries, expected a dictionary KERNELS, ACTIVATIONS, PATTERNS"),
    "no Python": ("KERNELS = {", "SyntaxError: '{' was never closed (ideas.py, line 30)"),
    "an error": ("1 / 0", "ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize(("code", "message"), REFUSED.values(), ids=REFUSED)
def test_each_entry_is_checked_when_it_is_loaded(tmp_path: Path, code: str, message: str) -> None:
    path = tmp_path / "ideas.py"
    path.write_text(IDEAS.partition("\n\n\nKERNELS")[0] + "\n" + code)
    with pytest.raises(MechcoreError, match=r"^[^\n]*$") as error:
        load_extensions(path)
    told = re.sub(r"line \d+", "line 30", str(error.value).replace(str(path), "ideas.py"))
    assert told == f"ideas.py: {message}"
    assert "a" not in FAMILIES


def test_a_family_is_checked_at_each_size_that_is_used(tmp_path: Path) -> None:
    path = tmp_path / "ideas.py"
    path.write_text(
        IDEAS + "\nKERNELS = {'late': (lambda k: smooth(k) + (k > 6) * slope(k), slope)}\n"
    )
    load_extensions(path)
    mechcore.kernel("late", 6, beta=0.5)
    with pytest.raises(MechcoreError, match="the even part of size 7 x 7 is not even"):
        mechcore.kernel("late", 7, beta=0.5)


CHANGES = {
    "a comment": ("STEEP = 2.0", "STEEP = 2.0  # chosen by eye", []),
    "a constant": ("STEEP = 2.0", "STEEP = 3.0", ["swish"]),
    "its own code": ("0.2 * x", "0.3 * x", ["prelu"]),
    "another entry": ('"swish": swish,', '"swish": swish, "new": np.cbrt,', []),
    "what another table uses": ("r > radius - width", "r >= radius - width", []),
    "a statement that may do anything": ("STEEP = 2.0", "STEEP = 2.0\nprint()", ["swish", "prelu"]),
    "an entry set elsewhere": (
        "PATTERNS =",
        "ACTIVATIONS['prelu'] = swish\nPATTERNS =",
        ["swish", "prelu"],
    ),
}


@pytest.mark.parametrize(("old", "new", "changed"), CHANGES.values(), ids=CHANGES)
def test_the_fingerprint_of_an_entry_changes_with_what_it_uses(
    old: str, new: str, changed: list[str]
) -> None:
    texts = IDEAS, IDEAS.replace(old, new)
    assert texts[0] != texts[1]
    differ = [
        name
        for name in ("swish", "prelu")
        if len({entry_fingerprint(text, "ACTIVATIONS", name) for text in texts}) == 2
    ]
    assert differ == changed
