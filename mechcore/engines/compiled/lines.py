"""Runs of lines: states of one row, as many at a time as a vector has lanes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.engines.compiled.box import folded
from mechcore.engines.compiled.encoded_rule import EncodedRule, encode
from mechcore.engines.compiled.line_blocks import (
    DENSITY,
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
from mechcore.engines.compiled.machine_code import compiled, internal
from mechcore.engines.compiled.sums import (
    SMALLEST_SUM,
    TINY,
    mass_of,
    power_of_two,
    shape_of,
    within_range,
)
from mechcore.engines.compiled.trimming import (
    CERTIFIED,
    ErrorBound,
    StateSummary,
    absolute_sum,
    allowance,
    charged,
    severity_of,
)
from mechcore.engines.compiled.vector_code import LANES
from mechcore.engines.rule import LayerRule, window_offset
from mechcore.engines.trajectories import DENSITIES
from mechcore.io.arrays import Array
from mechcore.model.boundaries import crop_start

LINE_QUANTITIES = ("mass", "mu_x", "sigma_x", "gain", "excess_kurtosis_x", "peak")
"""The quantities that a line records, in their order."""

LEAST_SIGNED = 1e-6
"""A signed mass is at least this share of the sum of sizes, so that the product of two lines is far
from where a mass counts as cancelled."""

TRIM_EVERY = 4
"""Layers from one trimming to the next: looking for what to drop costs more than a short line."""

_convolve, _convolve_squared, _convolve_signed = map(line_block, DENSITIES)
_take_plain_moments, _take_squared_moments, _take_signed_moments = map(moments_block, DENSITIES)
_crop_start, _window_offset = internal(crop_start), internal(window_offset)


class LineTrajectories(NamedTuple):
    """The outcome of a batch of lines.

    ``record`` is (n, T + 1, 6) with `LINE_QUANTITIES`, ``snapshots`` (n, m, w). A line that is not
    ``valid`` has left the range in which lines are computed, and must run as an image.
    """

    record: Array
    snapshots: Array
    extinct_at: Array
    valid: NDArray[np.bool_]

    def select(self, index: NDArray[np.generic] | slice) -> LineTrajectories:
        """Return some lines, by positions, a mask or a slice."""
        record, snapshots, extinct_at, valid = self
        return LineTrajectories(record[index], snapshots[index], extinct_at[index], valid[index])


class Segment(NamedTuple):
    """The occupied positions of a buffer that has a lane for each line.

    ``x`` is the coordinate of the first position.
    """

    buffer: Array
    start: int
    length: int
    x: float


class Lanes(NamedTuple):
    """The state of the run of each line of a vector.

    ``scaled`` are the taps divided by the norm, ``absolute_taps`` the sums of their sizes before
    that. The blocks write and read ``sums``, ``central`` and ``mean``. ``bound`` holds the fields
    of `ErrorBound`, ``lost`` what would go with the positions in question. ``ends`` is the layer at
    which a line became all zero.
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
    bound: Array
    allowed: Array
    lost: Array
    ends: Array
    valid: NDArray[np.bool_]


def propagate_lines(
    taps: Array, pattern: Array, rule: LayerRule, *, trims: bool
) -> LineTrajectories:
    """Run lines of one length, a vector of them at a time.

    Examples
    --------
    >>> lines = propagate_lines(np.ones((1, 2)), np.ones(1), LayerRule(steps=2), trims=True)
    >>> lines.record[0, :, LINE_QUANTITIES.index("sigma_x")].round(3)
    array([0.   , 0.5  , 0.707])
    """
    encoded, layers = encode(rule), np.array(rule.snapshot_layers, dtype=np.int64)
    count, size = taps.shape
    lines = LineTrajectories(
        np.full((count, rule.steps + 1, len(LINE_QUANTITIES)), np.nan),
        np.full((count, layers.size, rule.snapshot_window), np.nan),
        np.full(count, np.nan),
        np.ones(count, dtype=bool),
    )
    growth = 0 if encoded.finite else rule.steps * (size - 1)
    first, second = np.empty((2, pattern.size + growth + 2 * size + POSITIONS, LANES))
    # Lanes that are left over repeat the last line.
    members = np.minimum(np.arange(-(-count // LANES) * LANES), count - 1)
    kernels = taps[members].reshape(-1, LANES, size).transpose(0, 2, 1).copy()
    _propagate_all(
        kernels, pattern, encoded, layers, lines, _empty_lanes(size), first, second, trims
    )
    return lines


def _empty_lanes(size: int) -> Lanes:
    rows = {"scaled": size, "sums": len(SUMS), "central": 2, "bound": len(ErrorBound._fields)}
    tables = {name: np.empty((count, LANES)) for name, count in rows.items()}
    vectors = {name: np.empty(LANES) for name in Lanes._fields if name not in (*tables, "valid")}
    return Lanes(**tables, **vectors, valid=np.empty(LANES, dtype=bool))


@compiled
def _propagate_all(
    kernels: Array,
    pattern: Array,
    rule: EncodedRule,
    layers: NDArray[np.int64],
    lines: LineTrajectories,
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
            kernels[group], pattern, rule, layers, record, snapshots, lanes, first, second, trims
        )
        for lane in range(stop - start):
            lines.extinct_at[start + lane] = lanes.ends[lane]
            lines.valid[start + lane] = lanes.valid[lane]


@internal
def _propagate(
    kernel: Array,
    pattern: Array,
    rule: EncodedRule,
    layers: Array,
    record: Array,
    snapshots: Array,
    lanes: Lanes,
    first: Array,
    second: Array,
    trims: bool,
) -> None:
    """Run a vector of lines."""
    trims = trims and not rule.finite
    segment = _start(pattern, kernel, first, second, rule, lanes)
    for t in range(rule.steps + 1):
        if t > 0:
            segment = _layer(segment, kernel, second if t % 2 else first, rule, t, lanes)
        if not _take_norms(rule, t, lanes):
            return
        _take_moments(segment, rule, lanes)
        for lane in range(len(record)):
            if _runs(lanes, lane):
                _write_record(segment, rule, lane, lanes, record[lane, t])
                _write_snapshot(
                    segment, rule, pattern.size, kernel, t, layers, lane, lanes, snapshots
                )
        if not rule.finite:
            for lane in range(LANES):
                if _runs(lanes, lane):
                    _certify(segment, rule, pattern.size, kernel, t, lane, lanes, trims)
            if t % TRIM_EVERY == 0:
                segment = _trimmed(segment, rule, lanes)


@internal
def _runs(lanes: Lanes, lane: int) -> bool:
    """Return whether a line is alive and its numbers are in range."""
    return lanes.valid[lane] and np.isnan(lanes.ends[lane])


@internal
def _start(
    pattern: Array, kernel: Array, first: Array, second: Array, rule: EncodedRule, lanes: Lanes
) -> Segment:
    """Put the pattern into all lanes and measure it."""
    peak = 0.0
    for i in range(pattern.size):
        peak = max(peak, abs(pattern[i]))
        second[i] = pattern[i]
    lanes.valid[:] = True
    lanes.ends.fill(np.nan)
    lanes.divisor.fill(1.0)
    lanes.scaled[0] = 1.0
    lanes.bound[0], lanes.bound[1], lanes.bound[2] = 0.0, 1.0, 0.0
    for lane in range(LANES):
        _set_unit(power_of_two(peak), lane, lanes)
        lanes.absolute_taps[lane] = 0.0
        for b in range(kernel.shape[0]):
            lanes.absolute_taps[lane] += abs(kernel[b, lane])
    segment = Segment(first, kernel.shape[0] - 1, pattern.size, -(pattern.size - 1) / 2)
    _fill(second, 0, lanes.scaled[:1], segment, 1.0, rule, lanes)
    return segment


@internal
def _set_unit(unit: float, lane: int, lanes: Lanes) -> None:
    lanes.unit[lane], lanes.scale[lane] = unit, 1.0 / unit
    lanes.tiniest[lane] = TINY * min(unit, 1.0)


@internal
def _fill(
    source: Array,
    start: int,
    taps: Array,
    segment: Segment,
    slope: float,
    rule: EncodedRule,
    lanes: Lanes,
) -> None:
    """Set the positions of a line to what taps make of a source, and take their sums."""
    target = segment.buffer, segment.start, segment.length
    line = source, start, taps, *target, slope, lanes.tiniest, lanes.scale, lanes.sums
    if rule.squared:
        _convolve_squared(*line)
    elif rule.signed:
        _convolve_signed(*line)
    else:
        _convolve(*line)


@internal
def _layer(
    segment: Segment, kernel: Array, target: Array, rule: EncodedRule, t: int, lanes: Lanes
) -> Segment:
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
    _fill_margins(segment, size - 1, rule.mirror_period)
    start = _crop_start(size, t) if rule.finite else 0
    count = segment.length if rule.finite else segment.length + size - 1
    grown = Segment(target, size - 1, count, segment.x + start - (size - 1) / 2)
    _fill(segment.buffer, segment.start + start, lanes.scaled, grown, rule.slope, rule, lanes)
    return grown


@internal
def _fill_margins(segment: Segment, reach: int, period: int) -> None:
    """Continue the lines beyond their ends, as far as the kernel reads."""
    for i in range(1, reach + 1):
        for position in (-i, segment.length - 1 + i):
            for lane in range(LANES):
                value = 0.0
                if period > 0:
                    value = segment.buffer[
                        segment.start + folded(position, segment.length, period), lane
                    ]
                segment.buffer[segment.start + position, lane] = value


@internal
def _take_norms(rule: EncodedRule, t: int, lanes: Lanes) -> bool:
    """Take gains and means from the sums; return whether any line still runs."""
    running = False
    for lane in range(LANES):
        if not _runs(lanes, lane):
            continue
        total, squares = lanes.sums[SIZES, lane], lanes.sums[SQUARES, lane]
        if total == 0.0:
            lanes.ends[lane], lanes.gain[lane], lanes.divisor[lane] = t, 1.0, 1.0
        elif SMALLEST_SUM < total < 1.0 / SMALLEST_SUM:
            norm = np.sqrt(squares) if rule.norm == 0 else total
            norm = lanes.sums[PEAKS, lane] if rule.norm == 1 else norm
            lanes.gain[lane] = norm * lanes.unit[lane]
            lanes.divisor[lane] = lanes.gain[lane] if rule.divides else 1.0
            density = lanes.sums[DENSITY, lane]
            lanes.mean[lane] = lanes.sums[MOMENTS, lane] / density
            lanes.valid[lane] = abs(density) >= LEAST_SIGNED * total or not rule.signed
            running = True
        else:
            lanes.valid[lane] = False
    return running


@internal
def _take_moments(segment: Segment, rule: EncodedRule, lanes: Lanes) -> None:
    line = segment.buffer, segment.start, segment.length, lanes.scale, lanes.mean, lanes.central
    if rule.squared:
        _take_squared_moments(*line)
    elif rule.signed:
        _take_signed_moments(*line)
    else:
        _take_plain_moments(*line)


@internal
def _cancelled(rule: EncodedRule, lane: int, lanes: Lanes) -> float:
    """Return the sum of sizes over the mass, which a signed density makes larger than 1."""
    return lanes.sums[SIZES, lane] / abs(lanes.sums[DENSITY, lane]) if rule.signed else 1.0


@internal
def _write_record(segment: Segment, rule: EncodedRule, lane: int, lanes: Lanes, out: Array) -> None:
    """Write `LINE_QUANTITIES`, in their order."""
    total, mean = lanes.sums[DENSITY, lane], segment.x + lanes.mean[lane]
    variance, fourth = lanes.central[0, lane] / total, lanes.central[1, lane] / total
    out[0] = mass_of(total, rule, lanes.unit[lane] / lanes.divisor[lane])
    out[1], out[3] = mean, lanes.gain[lane]
    out[5] = lanes.sums[PEAKS, lane] * lanes.unit[lane]
    out[2], out[4] = shape_of(variance, fourth, mean, _cancelled(rule, lane, lanes))


@internal
def _write_snapshot(
    segment: Segment,
    rule: EncodedRule,
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
            size = pattern_size + (0 if rule.finite else t * (kernel.shape[0] - 1))
            left = 0 if rule.finite else round(segment.x + (size - 1) / 2)
            window = snapshots[lane, index]
            right = left - _window_offset(size, window.size)
            for j in range(window.size):
                inside = 0 <= j - right < segment.length
                value = segment.buffer[segment.start + j - right, lane] if inside else 0.0
                window[j] = value / lanes.divisor[lane]


@internal
def _certify(
    segment: Segment,
    rule: EncodedRule,
    pattern_size: int,
    kernel: Array,
    t: int,
    lane: int,
    lanes: Lanes,
    trims: bool,
) -> None:
    """Update the error bound of a line; see `mechcore.engines.compiled.trimming`."""
    total, squares = lanes.sums[SIZES, lane], lanes.sums[SQUARES, lane]
    dropped = lanes.sums[DROPPED, lane]
    unit, divisor = lanes.unit[lane], lanes.divisor[lane]
    before = ErrorBound(lanes.bound[0, lane], lanes.bound[1, lane], lanes.bound[2, lane])
    bound = charged(before, rule, lanes.absolute_taps[lane], unit, divisor, total, dropped, t)
    density = lanes.sums[DENSITY, lane]
    width = np.sqrt(lanes.central[0, lane] / density)
    cancelled = _cancelled(rule, lane, lanes)
    reach = (pattern_size + rule.steps * (kernel.shape[0] - 1)) / 2
    mean = segment.x + lanes.mean[lane]
    summary = StateSummary(t, rule.steps, reach, 0.5, mean, 0.0, width, 0.0, cancelled)
    severity = severity_of(summary, total, squares, lanes.sums[PEAKS, lane])
    if trims and not bound.error * severity <= CERTIFIED:
        lanes.valid[lane] = False
    allowed = allowance(bound, severity, summary) if trims and t % TRIM_EVERY == 0 else 0.0
    lanes.allowed[lane] = allowed
    for i in range(3):
        lanes.bound[i, lane] = bound[i]


@internal
def _trimmed(segment: Segment, rule: EncodedRule, lanes: Lanes) -> Segment:
    """Drop what all lines may drop at both ends."""
    before = _drop(segment, rule, lanes, segment.start, 1)
    behind = _drop(segment, rule, lanes, segment.start + segment.length - 1, -1)
    count = segment.length - before - behind
    return Segment(segment.buffer, segment.start + before, count, segment.x + before)


@internal
def _drop(segment: Segment, rule: EncodedRule, lanes: Lanes, row: int, step: int) -> int:
    """Count and charge the positions that all lines may drop, from one on."""
    lanes.lost.fill(0.0)
    for i in range(segment.length):
        for lane in range(LANES):
            if _runs(lanes, lane):
                lost = lanes.lost[lane] + _density(segment, rule, lanes, row + i * step, lane)
                if _share(lost, i + 1, rule, lanes, lane) > lanes.allowed[lane] / 2:
                    _charge(rule, lanes, i)
                    return i
        for lane in range(LANES):
            lanes.lost[lane] += _density(segment, rule, lanes, row + i * step, lane)
    return 0


@internal
def _charge(rule: EncodedRule, lanes: Lanes, count: int) -> None:
    """Add what is lost with some positions to the error bounds."""
    for lane in range(LANES):
        if _runs(lanes, lane) and count > 0:
            lanes.bound[0, lane] += _share(lanes.lost[lane], count, rule, lanes, lane)


@internal
def _density(segment: Segment, rule: EncodedRule, lanes: Lanes, row: int, lane: int) -> float:
    size = abs(segment.buffer[row, lane]) * lanes.scale[lane]
    return size * size if rule.squared else size


@internal
def _share(lost: float, count: int, rule: EncodedRule, lanes: Lanes, lane: int) -> float:
    """Bound the share of the mass of a line that some positions hold."""
    size = absolute_sum(lost, count) if rule.squared else lost
    return size / lanes.sums[SIZES, lane]
