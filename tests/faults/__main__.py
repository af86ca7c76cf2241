"""``python -m tests.faults`` writes the size of the corpus where the documents state it."""

from __future__ import annotations

import re

from tests.faults.test_bad_input import CORPUS, STATED
from tests.helpers.projects import PROJECT

for name, (before, after) in STATED.items():
    path = PROJECT / name
    stated = re.escape(before) + r"\d+" + re.escape(after)
    text = re.sub(stated, f"{before}{len(CORPUS)}{after}", path.read_text("utf-8"))
    path.write_text(text, encoding="utf-8")
    print(f"{name}: {before}{len(CORPUS)}{after}")
