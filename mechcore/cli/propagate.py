"""``mechcore propagate``: one kernel through layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from mechcore.cli.options import OutputOption
from mechcore.cli.outputs import check_outputs
from mechcore.engines.trajectories import DENSITIES, REGIONS
from mechcore.errors import InvalidValue, MechcoreError
from mechcore.experiment.cell import PatternSettings, pattern_settings
from mechcore.io.arrays import load_array, refuse_extremes
from mechcore.io.json_models import validated
from mechcore.io.yaml_files import parsed_yaml
from mechcore.model import kernels
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.extensions import load_extension
from mechcore.model.geometry import PLACEMENTS
from mechcore.model.kernels import FAMILIES, LARGEST_SIZE, as_kernel
from mechcore.model.normalisations import NORMALISATIONS
from mechcore.model.patterns import PATTERNS

EXAMPLES = """Examples:

  mechcore propagate --family dct --size 3 --beta 0.5 --output out.nc

  mechcore propagate --kernel sobel.npy --activation relu --pattern disc --output sobel.nc

  mechcore propagate --family dct --size 3 --beta 0.5 --steps 100 --region row
  --pattern "{name: disc, radius: 19}" --output disc.nc
"""

NO_SPEED = "none: the state vanishes, or leaves the range of numbers"

FAMILIES_HELP = f"Instead of a file: {', '.join(FAMILIES)}."
SIZE_HELP = "Kernel size of the family: k, or 1xk or kx1 for a line."
PATTERNS_HELP = f"{', '.join(PATTERNS)}, a .npy or .png file, or '{{name: disc, radius: 19}}'."


def command(
    output: OutputOption,
    kernel: Annotated[
        Path | None, typer.Option(help="A two-dimensional .npy array: square or not.")
    ] = None,
    family: Annotated[str | None, typer.Option(help=FAMILIES_HELP)] = None,
    size: Annotated[str | None, typer.Option(help=SIZE_HELP)] = None,
    beta: Annotated[float | None, typer.Option(help="Mixing ratio from 0 to 1.")] = None,
    angle: Annotated[float | None, typer.Option(help="Degrees from +x towards +y.")] = None,
    mixing: Annotated[str | None, typer.Option(help="unit (default) or linear.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random family.")] = None,
    activation: Annotated[str, typer.Option(help=f"{', '.join(ACTIVATIONS)}.")] = "relu",
    pattern: Annotated[str, typer.Option(help=PATTERNS_HELP)] = "delta",
    steps: Annotated[int, typer.Option(help="Number of layers.")] = 64,
    normalise: Annotated[str, typer.Option(help=f"{', '.join(NORMALISATIONS)}.")] = "l2",
    boundary: Annotated[str, typer.Option(help=f"{', '.join(BOUNDARIES)}.")] = "free",
    domain: Annotated[int | None, typer.Option(help="Side of a finite domain in px.")] = None,
    density: Annotated[str, typer.Option(help=f"{', '.join(DENSITIES)}.")] = "absolute",
    region: Annotated[str, typer.Option(help=f"{', '.join(REGIONS)}.")] = "image",
    placement: Annotated[str, typer.Option(help=f"{', '.join(PLACEMENTS)}.")] = "centred",
    alternating: Annotated[
        bool, typer.Option("--alternating", help="Turn the kernel by 180 degrees after each layer.")
    ] = False,
    snapshot: Annotated[list[int] | None, typer.Option(help="Layer to keep; repeatable.")] = None,
    window: Annotated[int, typer.Option(help="Side of the window of snapshots in px.")] = 129,
    t_burn: Annotated[int | None, typer.Option(help="First layer of the fits.")] = None,
    engine: Annotated[str, typer.Option(help="compiled or reference.")] = "compiled",
    extensions: Annotated[
        list[str] | None, typer.Option(help="Python file or package with own entries; repeatable.")
    ] = None,
) -> None:
    """Send a pattern through layers of one kernel; write the trajectory, print its speed."""
    for source in extensions or []:
        load_extension(source)
    sides = None if size is None else _sides(size)
    required = {"--family": family, "--size": sides, "--beta": beta}
    taps = _taps(kernel, required, {"angle": angle, "mixing": mixing, "seed": seed})
    check_outputs({"--output": output}, [kernel, pattern, *(extensions or [])], ".nc")

    from mechcore.analysis.measures import measure
    from mechcore.io.netcdf import write_dataset
    from mechcore.simulation.run import propagate

    trajectory = propagate(
        [taps, taps[::-1, ::-1]] if alternating else taps,
        activation,
        _pattern(pattern),
        steps,
        normalise=normalise,
        boundary=boundary,
        domain=domain,
        density=density,
        region=region,
        placement=placement,
        in_turns=alternating,
        snapshots=snapshot or [],
        window=window,
        t_burn=t_burn,
        engine=engine,
    )
    speed = float(measure(trajectory).speed)
    # Adding zero turns a rounded -0.0 into 0.0.
    text = f"{round(speed, 6) + 0.0:.6f} px/layer" if math.isfinite(speed) else NO_SPEED
    write_dataset(trajectory, output)
    ratio = float(trajectory.odd_energy_ratio)
    typer.echo(f"speed={text}  odd_energy_ratio={ratio:.6f}\n{output}")


def _sides(text: str) -> int | tuple[int, ...]:
    """The size of a square, or the sides of a line."""
    try:
        sides = tuple(map(int, text.split("x")))
    except ValueError:
        raise InvalidValue("--size", text, "an integer k, 1xk or kx1") from None
    return sides[0] if len(sides) == 1 else sides


def _pattern(text: str) -> str | dict[str, Any]:
    """A name, or name and arguments as in a configuration."""
    if not text.lstrip().startswith("{"):
        return text
    values = pattern_settings(parsed_yaml(text.encode(), "--pattern"))
    settings = validated(PatternSettings, values, "--pattern")
    return {"name": settings.name, **settings.arguments}


def _taps(
    path: Path | None, family: Mapping[str, Any], options: Mapping[str, Any]
) -> NDArray[np.float64]:
    """The kernel, from a file or from a family."""
    chosen = {name: value for name, value in options.items() if value is not None}
    if path is not None:
        extra = [name for name, value in family.items() if value is not None]
        extra += [f"--{name}" for name in chosen]
        if extra:
            raise MechcoreError(f"--kernel: not together with {', '.join(extra)}")
        taps = as_kernel(load_array(path, "--kernel", LARGEST_SIZE**2), "--kernel")
        refuse_extremes(taps, "--kernel")
        if max(taps.shape) > LARGEST_SIZE:
            raise InvalidValue("--kernel", taps.shape, f"at most {LARGEST_SIZE} taps a side")
        return taps
    missing = [name for name, value in family.items() if value is None]
    if missing:
        raise MechcoreError(f"{', '.join(missing)}: missing; expected these, or --kernel FILE.npy")
    return kernels.kernel(*family.values(), **chosen)
