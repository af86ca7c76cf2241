"""Settings that people write as YAML: a mistake is one line, and no key is given twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from mechcore.errors import MechcoreError, one_line, shown

LARGEST_FILE = 1_000_000
"""Settings larger than this (bytes) are a mistake."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that a mapping gives twice: others silently keep the last."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                problem = f"the key {shown(key.value)} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return node


def read_yaml(path: Path) -> object:
    """Return what a YAML file holds, or refuse it."""
    try:
        with path.open("rb") as stream:
            # Devices and pipes may have no end.
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise MechcoreError(f"{path}: larger than {LARGEST_FILE} bytes, not a configuration")
    return parsed_yaml(content, str(path))


def parsed_yaml(content: bytes, origin: str) -> object:
    """Return what YAML holds, or refuse it."""
    try:
        # A safe loader.
        return yaml.load(content.decode("utf-8-sig"), _Loader)  # noqa: S506
    except MemoryError:
        raise
    # Tags such as `!!int` or `!!timestamp` make Python raise anything.
    except Exception as error:
        reason = one_line(_without_jargon(" ".join(str(error).split()))[:200])
        raise MechcoreError(f"{origin}: not YAML: {reason}") from None


def line_of(path: Path, location: Sequence[object]) -> int | None:
    """Return the line of a value in a YAML file that was read before; None if it is not there."""
    node = yaml.compose(path.read_text(encoding="utf-8-sig"), _Loader)
    line = None
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [value for key, value in node.value if key.value == part]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = node.value[part : part + 1]
        else:
            break
        if not found:
            break
        (node,) = found
        line = node.start_mark.line + 1
    return line


def _without_jargon(text: str) -> str:
    """The message of the YAML parser, without what is meant for programmers."""
    text = text.replace(r"found character '\t' that cannot start any token", "a tab; use spaces")
    return text.replace(' in "<unicode string>",', " at").replace(" ^ ", " ").removesuffix(" ^")
