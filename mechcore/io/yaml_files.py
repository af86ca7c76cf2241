"""Settings that people write as YAML: a mistake is one line, and no key is given twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from mechcore.errors import MechcoreError, one_line, shown
from mechcore.io.reading import regular_file

LARGEST_FILE = 1_000_000
"""Settings larger than this (bytes) are a mistake."""


MOST_KEYS = 100_000
"""Keys of all mappings together: merged ones count again wherever they are merged."""


class _Loader(yaml.SafeLoader):
    """Refuses what others take for something else without a word, and what expands without end."""

    keys = 0

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Refuse a key that a mapping gives twice: the last would count."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise _refusal(f"the key {shown(key.value)} is given twice", key)
            seen.add(key.value)
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge mappings into one; called for each of them before its keys are copied."""
        super().flatten_mapping(node)
        self.keys += len(node.value)
        if self.keys > MOST_KEYS:
            raise _refusal(f"more than {MOST_KEYS} keys, merged ones included", node)

    def construct_number(self, node: yaml.ScalarNode) -> object:
        """Refuse the two ways to write numbers that surprise."""
        text = node.value.lstrip("+-").replace("_", "")
        if ":" in text:
            raise _refusal(f"{shown(node.value)} is a number in base 60; write it in base 10", node)
        if len(text) > 1 and text.startswith("0") and text.isdecimal():
            problem = f"{shown(node.value)} is an octal number; write it without the first 0"
            raise _refusal(f"{problem}, or a text in quotes", node)
        whole = node.tag.endswith(":int")
        return self.construct_yaml_int(node) if whole else self.construct_yaml_float(node)


for kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{kind}", _Loader.construct_number)


def _refusal(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def read_yaml(path: Path) -> object:
    """Return what a YAML file holds, or refuse it."""
    try:
        with regular_file(path, LARGEST_FILE) as stream:
            content = stream.read()
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be read: {error.strerror}") from None
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
