"""Runs of lines in machine code: states of one row, as many at a time as a vector has lanes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.engines.compiled.box import Array, folded
from mechcore.engines.compiled.law import Law, law_of
from mechcore.engines.compiled.line_blocks import (
    DROPPED,
    MOMENTS,
    PEAKS,
    POSITIONS,
    SIZES,
    SQUARES,
    SUMS,
    line_block,
    moments_block,
)
from mechcore.engines.compiled.machine_code import compiled, inlined, part
from mechcore.engines.compiled.sums import SMALLEST_SUM, TINY, mass_of, power_of_two, within_range
from mechcore.engines.compiled.trimming import (
    CERTIFIED,
    Ledger,
    Place,
    absolute_sum,
    allowance,
    charged,
    severity_of,
)
from mechcore.engines.compiled.vector_code import LANES
from mechcore.engines.rule import LayerRule, window_offset
from mechcore.engines.trajectories import WIDTH_ROUNDING
from mechcore.model.boundaries import crop_start

LINE_QUANTITIES = ("mass", "mu_x", "sigma_x", "gain", "excess_kurtosis_x")
"""What the record of a line holds."""

TRIM_EVERY = 4
"""Layers from one trimming to the next: looking for what to drop costs more than a short line."""

_convolve, _convolve_squared = line_block(squared=False), line_block(squared=True)
_take_plain_moments, _take_squared_moments = (
    moments_block(squared=False),
    moments_block(squared=True),
)
_crop_start, _window_offset = part(crop_start), part(window_offset)


class Lines(NamedTuple):
    """Trajectories of lines.

    ``record`` is (n, T + 1, 5) with `LINE_QUANTITIES`, ``snapshots`` (n, m, w).
    """

    record: Array
    snapshots: Array
    extinct_at: Array
    valid: NDArray[np.bool_]

    def chosen(self, places: NDArray[np.generic] | slice) -> Lines:
        """Return some lines, by their places, a mask or a slice."""
        return Lines(
            self.record[places],
            self.snapshots[places],
            self.extinct_at[places],
            self.valid[places],
        )


class Line(NamedTuple):
    """The occupied part of some lines: positions of a buffer that has a lane for each.

    ``x`` is the coordinate of its first position.
    """

    buffer: Array
    start: int
    length: int
    x: float


class Lanes(NamedTuple):
    """What is known of each line.

    ``scaled`` are the taps divided by the norm, ``absolute_taps`` the sums of their sizes before
    that; ``sums``, ``central`` and ``mean`` are what the
    blocks write and read; ``ledger`` holds error, worst ratio and mass of the certificate, ``lost``
    what would go with the positions in question. ``ends`` is the layer at which a line became all
    zero; a line that is not ``valid`` has left what is computed here.
    """

    scaled: Array
    absolute_taps: Array
    sums: Array
    central: Array
    mean: Array
    gain: Array
    divisor: Array
    unit: Array
    scale: Array
    tiniest: Array
    ledger: Array
    allowed: Array
    lost: Array
    ends: Array
    valid: NDArray[np.bool_]


def propagate_lines(taps: Array, pattern: Array, rule: LayerRule, *, trims: bool) -> Lines:
    """Run lines of one length, a vector of them at a time.

    Examples
    --------
    >>> lines = propagate_lines(np.ones((1, 2)), np.ones(1), LayerRule(steps=2), trims=True)
    >>> lines.record[0, :, LINE_QUANTITIES.index("sigma_x")].round(3)
    array([0.   , 0.5  , 0.707])
    """
    law, layers = law_of(rule), np.array(rule.snapshot_layers, dtype=np.int64)
    count, size = taps.shape
    lines = Lines(
        np.full((count, rule.steps + 1, len(LINE_QUANTITIES)), np.nan),
        np.full((count, layers.size, rule.snapshot_window), np.nan),
        np.full(count, np.nan),
        np.ones(count, dtype=bool),
    )
    longest = pattern.size + (0 if law.finite else law.steps * (size - 1)) + 2 * size + POSITIONS
    buffers = np.empty((2, longest, LANES))
    # The lanes that are left over repeat the last line.
    members = np.minimum(np.arange(-(-count // LANES) * LANES), count - 1)
    kernels = taps[members].reshape(-1, LANES, size).transpose(0, 2, 1).copy()
    _propagate_all(
        kernels, pattern, law, layers, lines, _lanes(size), buffers[0], buffers[1], trims
    )
    return lines


def _lanes(size: int) -> Lanes:
    """Room for what is known of the lines."""
    scaled, sums, central = (
        np.empty((size, LANES)),
        np.empty((len(SUMS), LANES)),
        np.empty((2, LANES)),
    )
    absolute_taps, mean, gain, divisor, unit, scale, tiniest = np.empty((7, LANES))
    allowed, lost, ends = np.empty((3, LANES))
    ledger, valid = np.empty((3, LANES)), np.empty(LANES, dtype=bool)
    return Lanes(
        scaled,
        absolute_taps,
        sums,
        central,
        mean,
        gain,
        divisor,
        unit,
        scale,
        tiniest,
        ledger,
        allowed,
        lost,
        ends,
        valid,
    )


@compiled
def _propagate_all(
    kernels: Array,
    pattern: Array,
    law: Law,
    layers: NDArray[np.int64],
    lines: Lines,
    lanes: Lanes,
    first: Array,
    second: Array,
    trims: bool,
) -> None:
    """Run vectors of lines, one after the other."""
    for group in range(len(kernels)):
        start = group * LANES
        stop = min(start + LANES, len(lines.record))
        record, snapshots = lines.record[start:stop], lines.snapshots[start:stop]
        _propagate(
            kernels[group], pattern, law, layers, record, snapshots, lanes, first, second, trims
        )
        for lane in range(stop - start):
            lines.extinct_at[start + lane] = lanes.ends[lane]
            lines.valid[start + lane] = lanes.valid[lane]


@inlined
def _propagate(
    kernel: Array,
    pattern: Array,
    law: Law,
    layers: Array,
    record: Array,
    snapshots: Array,
    lanes: Lanes,
    first: Array,
    second: Array,
    trims: bool,
) -> None:
    """Run a vector of lines."""
    trims = trims and not law.finite
    line = _start(pattern, kernel, first, second, law, lanes)
    for t in range(law.steps + 1):
        if t > 0:
            line = _layer(line, kernel, second if t % 2 else first, law, t, lanes)
        if not _take_norms(law, t, lanes):
            return
        _take_moments(line, law, lanes)
        for lane in range(len(record)):
            if _runs(lanes, lane):
                _write_record(line, law, lane, lanes, record[lane, t])
                _write_snapshot(line, law, pattern.size, kernel, t, layers, lane, lanes, snapshots)
        if not law.finite:
            for lane in range(LANES):
                if _runs(lanes, lane):
                    _certify(line, law, pattern.size, kernel, t, lane, lanes, trims)
            if t % TRIM_EVERY == 0:
                line = _trimmed(line, law, lanes)


@part
def _runs(lanes: Lanes, lane: int) -> bool:
    """Whether a line is alive and its numbers are in range."""
    return lanes.valid[lane] and np.isnan(lanes.ends[lane])


@part
def _start(
    pattern: Array, kernel: Array, first: Array, second: Array, law: Law, lanes: Lanes
) -> Line:
    """The pattern in all lanes, measured as it is."""
    peak = 0.0
    for i in range(pattern.size):
        peak = max(peak, abs(pattern[i]))
        second[i] = pattern[i]
    lanes.valid[:] = True
    lanes.ends.fill(np.nan)
    lanes.divisor.fill(1.0)
    lanes.scaled[0] = 1.0
    lanes.ledger[0], lanes.ledger[1], lanes.ledger[2] = 0.0, 1.0, 0.0
    for lane in range(LANES):
        _set_unit(power_of_two(peak), lane, lanes)
        lanes.absolute_taps[lane] = 0.0
        for b in range(kernel.shape[0]):
            lanes.absolute_taps[lane] += abs(kernel[b, lane])
    line = Line(first, kernel.shape[0] - 1, pattern.size, -(pattern.size - 1) / 2)
    _fill(second, 0, lanes.scaled[:1], line, 1.0, law.squared, lanes)
    return line


@part
def _set_unit(unit: float, lane: int, lanes: Lanes) -> None:
    lanes.unit[lane], lanes.scale[lane] = unit, 1.0 / unit
    lanes.tiniest[lane] = TINY * min(unit, 1.0)


@part
def _fill(
    source: Array, start: int, taps: Array, line: Line, slope: float, squared: bool, lanes: Lanes
) -> None:
    """Set the positions of a line to what taps make of a source, and take their sums."""
    target, place, count = line.buffer, line.start, line.length
    scales = lanes.tiniest, lanes.scale
    if squared:
        _convolve_squared(source, start, taps, target, place, count, slope, *scales, lanes.sums)
    else:
        _convolve(source, start, taps, target, place, count, slope, *scales, lanes.sums)


@part
def _layer(line: Line, kernel: Array, target: Array, law: Law, t: int, lanes: Lanes) -> Line:
    """Convolve, activate and measure into another buffer."""
    size = kernel.shape[0]
    for lane in range(LANES):
        taps = lanes.absolute_taps[lane]
        for b in range(size):
            lanes.scaled[b, lane] = kernel[b, lane] / lanes.divisor[lane]
        total = lanes.sums[SIZES, lane] * lanes.unit[lane]
        if _runs(lanes, lane) and not within_range(taps, lanes.divisor[lane], total):
            lanes.valid[lane] = False
        unit = power_of_two(lanes.gain[lane] / lanes.divisor[lane], taps)
        _set_unit(unit, lane, lanes)
    _fill_margins(line, size - 1, law.mirror_period)
    start = _crop_start(size, t) if law.finite else 0
    count = line.length if law.finite else line.length + size - 1
    grown = Line(target, size - 1, count, line.x + start - (size - 1) / 2)
    _fill(line.buffer, line.start + start, lanes.scaled, grown, law.slope, law.squared, lanes)
    return grown


@part
def _fill_margins(line: Line, reach: int, period: int) -> None:
    """Continue the lines beyond their ends, as far as the kernel reads."""
    for i in range(1, reach + 1):
        for position in (-i, line.length - 1 + i):
            for lane in range(LANES):
                value = 0.0
                if period > 0:
                    value = line.buffer[line.start + folded(position, line.length, period), lane]
                line.buffer[line.start + position, lane] = value


@part
def _take_norms(law: Law, t: int, lanes: Lanes) -> bool:
    """Take gains and means from the sums; tell whether any line still runs."""
    running = False
    for lane in range(LANES):
        if not _runs(lanes, lane):
            continue
        total, squares = lanes.sums[SIZES, lane], lanes.sums[SQUARES, lane]
        if total == 0.0:
            lanes.ends[lane], lanes.gain[lane], lanes.divisor[lane] = t, 1.0, 1.0
        elif SMALLEST_SUM < total < 1.0 / SMALLEST_SUM:
            norm = np.sqrt(squares) if law.norm == 0 else total
            norm = lanes.sums[PEAKS, lane] if law.norm == 1 else norm
            lanes.gain[lane] = norm * lanes.unit[lane]
            lanes.divisor[lane] = lanes.gain[lane] if law.divides else 1.0
            lanes.mean[lane] = lanes.sums[MOMENTS, lane] / (squares if law.squared else total)
            running = True
        else:
            lanes.valid[lane] = False
    return running


@part
def _take_moments(line: Line, law: Law, lanes: Lanes) -> None:
    if law.squared:
        _take_squared_moments(
            line.buffer, line.start, line.length, lanes.scale, lanes.mean, lanes.central
        )
    else:
        _take_plain_moments(
            line.buffer, line.start, line.length, lanes.scale, lanes.mean, lanes.central
        )


@part
def _write_record(line: Line, law: Law, lane: int, lanes: Lanes, out: Array) -> None:
    """Write `LINE_QUANTITIES`, in their order."""
    total = lanes.sums[SQUARES if law.squared else SIZES, lane]
    mean, variance = line.x + lanes.mean[lane], lanes.central[0, lane] / total
    out[0] = mass_of(total, law, lanes.unit[lane] / lanes.divisor[lane])
    out[1], out[3] = mean, lanes.gain[lane]
    if variance <= (WIDTH_ROUNDING * (1.0 + abs(mean))) ** 2:
        out[2], out[4] = 0.0, np.nan
    else:
        fourth = lanes.central[1, lane] / total
        out[2], out[4] = np.sqrt(variance), fourth / variance**2 - 3.0


@part
def _write_snapshot(
    line: Line,
    law: Law,
    pattern_size: int,
    kernel: Array,
    t: int,
    layers: Array,
    lane: int,
    lanes: Lanes,
    snapshots: Array,
) -> None:
    """Copy a line into its window if this layer is one of those to keep."""
    for index in range(layers.size):
        if layers[index] == t:
            size = pattern_size + (0 if law.finite else t * (kernel.shape[0] - 1))
            left = 0 if law.finite else round(line.x + (size - 1) / 2)
            window = snapshots[lane, index]
            right = left - _window_offset(size, window.size)
            for j in range(window.size):
                inside = 0 <= j - right < line.length
                value = line.buffer[line.start + j - right, lane] if inside else 0.0
                window[j] = value / lanes.divisor[lane]


@part
def _certify(
    line: Line,
    law: Law,
    pattern_size: int,
    kernel: Array,
    t: int,
    lane: int,
    lanes: Lanes,
    trims: bool,
) -> None:
    """Carry the certificate of a line on; see `mechcore.engines.compiled.trimming`."""
    total, squares = lanes.sums[SIZES, lane], lanes.sums[SQUARES, lane]
    dropped = lanes.sums[DROPPED, lane]
    unit, divisor = lanes.unit[lane], lanes.divisor[lane]
    before = Ledger(lanes.ledger[0, lane], lanes.ledger[1, lane], lanes.ledger[2, lane])
    ledger = charged(before, law, lanes.absolute_taps[lane], unit, divisor, total, dropped, t)
    density = squares if law.squared else total
    width = np.sqrt(lanes.central[0, lane] / density)
    reach = (pattern_size + law.steps * (kernel.shape[0] - 1)) / 2
    place = Place(t, law.steps, reach, 0.5, line.x + lanes.mean[lane], 0.0, width, 0.0)
    severity = severity_of(place, total, squares)
    if trims and not ledger.error * severity <= CERTIFIED:
        lanes.valid[lane] = False
    allowed = allowance(ledger, severity, place) if trims and t % TRIM_EVERY == 0 else 0.0
    lanes.allowed[lane] = allowed
    for i in range(3):
        lanes.ledger[i, lane] = ledger[i]


@part
def _trimmed(line: Line, law: Law, lanes: Lanes) -> Line:
    """Drop what all lines may drop at both ends."""
    before = _drop(line, law, lanes, line.start, 1)
    behind = _drop(line, law, lanes, line.start + line.length - 1, -1)
    count = line.length - before - behind
    return Line(line.buffer, line.start + before, count, line.x + before)


@part
def _drop(line: Line, law: Law, lanes: Lanes, row: int, step: int) -> int:
    """Count and charge the positions that all lines may drop, from one on."""
    lanes.lost.fill(0.0)
    for i in range(line.length):
        for lane in range(LANES):
            if _runs(lanes, lane):
                lost = lanes.lost[lane] + _density(line, law, lanes, row + i * step, lane)
                if _share(lost, i + 1, law, lanes, lane) > lanes.allowed[lane] / 2:
                    _charge(law, lanes, i)
                    return i
        for lane in range(LANES):
            lanes.lost[lane] += _density(line, law, lanes, row + i * step, lane)
    return 0


@part
def _charge(law: Law, lanes: Lanes, count: int) -> None:
    """Add what is lost with some positions to the certificates."""
    for lane in range(LANES):
        if _runs(lanes, lane) and count > 0:
            lanes.ledger[0, lane] += _share(lanes.lost[lane], count, law, lanes, lane)


@part
def _density(line: Line, law: Law, lanes: Lanes, row: int, lane: int) -> float:
    size = abs(line.buffer[row, lane]) * lanes.scale[lane]
    return size * size if law.squared else size


@part
def _share(lost: float, count: int, law: Law, lanes: Lanes, lane: int) -> float:
    """The share of the mass of a line that some positions hold, at most."""
    size = absolute_sum(lost, count) if law.squared else lost
    return size / lanes.sums[SIZES, lane]
