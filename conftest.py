"""Where PyTorch, an extra, is not installed, the doctests of its reader cannot be collected."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["mechcore/filters/formats/torch.py"]
