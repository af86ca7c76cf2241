"""SVG as matplotlib writes it, in half of the bytes: a report holds dozens of drawings."""

from __future__ import annotations

import re

DROPPED = re.compile(
    r'<!DOCTYPE.*?>\n?| xmlns:xlink="[^"]*"|xlink:(?=href)|'
    r' transform="rotate\(-0 [^"]*"|'
    r"<!--.*?-->|<metadata>.*?</metadata>\n?|(?<=\n)[ \n]+"
    r'| id="(?:figure|axes|patch|line2d|text|legend|[xy]tick|matplotlib\.axis|'
    r'PathCollection|LineCollection|FillBetweenPolyCollection|PolyCollection)_\d+"',
    re.DOTALL,
)
"""Comments, descriptions, indents, unused names of groups, and the prefix of links before SVG 2."""

PATHS = re.compile(r'(?<= )d="[^"]*"')
COMMANDS = re.compile(r"\s*([MLQCz])\s*|\s+(?=\"$)")
LONG_PATH = 400
"""Characters. Outlines of small markers are shorter and keep a digit more than curves do."""

PLACES = re.compile(r'(?<= )[xy]="[^"]*"|translate\([^)]*\)')
DECIMALS = re.compile(r"-?\d+\.\d+")
STYLES = re.compile(r'style="([^"]*)"')
NAMES = re.compile(r'(?<=["#])(?:[mp][0-9a-f]{10})(?=["\)])')


def compact(svg: str) -> str:
    r"""Return the same drawing in fewer bytes.

    >>> compact('<defs>\n <path d="M 1.23456 2" style="fill: red"/>')
    '<style>.s0{fill: red}</style><defs><path d="M1.23 2" class="s0"/>'
    """
    svg = DROPPED.sub("", svg)
    svg = PATHS.sub(_short_path, svg)
    svg = PLACES.sub(lambda place: _rounded(place[0], 1), svg)
    names: dict[str, str] = {}
    svg = NAMES.sub(lambda name: names.setdefault(name[0], f"m{len(names)}"), svg)
    styles: dict[str, str] = {}
    svg = STYLES.sub(lambda style: f'class="{styles.setdefault(style[1], f"s{len(styles)}")}"', svg)
    sheet = "".join(f".{name}{{{rules}}}" for rules, name in styles.items())
    svg = svg.replace("<defs>", f"<style>{sheet}</style><defs>", 1)
    return svg.replace(">\n<", "><")


def _short_path(path: re.Match[str]) -> str:
    text = COMMANDS.sub(r"\1", path[0])
    return _rounded(text, 1 if len(path[0]) > LONG_PATH else 2)


def _rounded(text: str, places: int) -> str:
    return DECIMALS.sub(lambda number: f"{round(float(number[0]), places):g}", text)
