"""SVG as matplotlib writes it, in a third of the bytes: a report holds dozens of drawings."""

from __future__ import annotations

import re

DROPPED = re.compile(
    r'<!DOCTYPE.*?>\n?| xmlns:xlink="[^"]*"|xlink:(?=href)|'
    r"<!--.*?-->|<metadata>.*?</metadata>\n?|(?<=\n)[ \n]+"
    r'| id="(?:figure|axes|patch|line2d|text|legend|[xy]tick|matplotlib\.axis|'
    r'PathCollection|LineCollection|FillBetweenPolyCollection|PolyCollection)_\d+"',
    re.DOTALL,
)
"""Comments, descriptions, indents, names of groups that nothing refers to, and the prefix that
references had before SVG 2."""

PATHS = re.compile(r'(?<= )d="[^"]*"')
COMMANDS = re.compile(r"\s*([MLQCz])\s*|\s+(?=\"$)")
LONG_PATH = 400
"""Characters. Outlines of small markers are shorter and keep a digit more than curves do."""

PLACES = re.compile(r'(?<= )[xy]="[^"]*"|translate\([^)]*\)')
DIGITS = re.compile(r"-?\d+\.\d+")
STYLES = re.compile(r'style="([^"]*)"')
MOVED = re.compile(r'(<use [^>]*)transform="translate\((\S+) (\S+)\)"')
"""Letters; a copy is put at its place in fewer words by its own coordinates."""

NAMES = re.compile(r'(?<=["#])(?:[mp][0-9a-f]{10}|DejaVu[\w-]+)(?=["\)])')
GROUPS = re.compile(r"<g(?: [^>]*)?(?<!/)>\n?|</g>\n?")
AGAIN = re.compile(r"(<use [^>]*/>\n?)\1+")
"""The same mark at the same place several times over."""

ALIKE = re.compile(r'<g([^>]*)>\n((?:<use [^>]*? class="(s\d+)"/>\n)+)</g>')


def compact(svg: str) -> str:
    r"""Return the same drawing in fewer bytes.

    Examples
    --------
    >>> compact('<defs>\n <path d="M 1.23456 2" style="fill: red"/>')
    '<style>.s0{fill: red}</style><defs><path d="M1.23 2" class="s0"/>'
    """
    svg = DROPPED.sub("", svg)
    svg = PATHS.sub(_short_path, svg)
    svg = PLACES.sub(lambda place: _rounded(place[0], 1), svg)
    svg = MOVED.sub(_placed, svg)
    names: dict[str, str] = {}
    svg = NAMES.sub(lambda name: names.setdefault(name[0], f"m{len(names)}"), svg)
    svg = AGAIN.sub(r"\1", _without_bare_groups(svg))
    styles: dict[str, str] = {}
    svg = STYLES.sub(lambda one: f'class="{styles.setdefault(one[1], f"s{len(styles)}")}"', svg)
    sheet = "".join(f".{name}{{{rules}}}" for rules, name in styles.items())
    svg = ALIKE.sub(_together, svg).replace("<defs>", f"<style>{sheet}</style><defs>", 1)
    return svg.replace(">\n<", "><")


def _short_path(path: re.Match[str]) -> str:
    text = COMMANDS.sub(r"\1", path[0])
    return _rounded(text, 1 if len(path[0]) > LONG_PATH else 2)


def _without_bare_groups(svg: str) -> str:
    """Drop groups that say nothing of what is in them."""
    pieces, done, bare = [], 0, []
    for tag in GROUPS.finditer(svg):
        opens = not tag[0].startswith("</")
        if opens:
            bare.append(tag[0].startswith("<g>"))
        pieces.append(svg[done : tag.start() if bare[-1] else tag.end()])
        done = tag.end()
        if not opens:
            bare.pop()
    return "".join([*pieces, svg[done:]])


def _placed(use: re.Match[str]) -> str:
    places = {"x": use[2], "y": use[3]}
    return use[1] + " ".join(f'{axis}="{at}"' for axis, at in places.items() if at != "0")


def _rounded(text: str, places: int) -> str:
    return DIGITS.sub(lambda number: f"{round(float(number[0]), places):g}", text)


def _together(group: re.Match[str]) -> str:
    """Markers that look alike: the look belongs to their group."""
    outer, markers, name = group[1], group[2], f' class="{group[3]}"'
    if set(re.findall(r' class="s\d+"', markers)) != {name}:
        return group[0]
    return f"<g{outer}{name}>\n{markers.replace(name, '')}</g>"
