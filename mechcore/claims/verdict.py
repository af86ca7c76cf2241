"""What ``claims.json`` holds: claims, findings and controls with their verdicts and figures."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field, model_validator

from mechcore.errors import InvalidValue
from mechcore.io.atomic import replace_file
from mechcore.io.json_models import Settings, read_settings

REPRODUCED = "reproduced"
IN_PART = "reproduced in part"
NOT_REPRODUCED = "not reproduced"
NOT_YET_MEASURED = "not yet measured"
OBSERVED = "observed"
NOT_OBSERVED = "not observed"
HOLDS = "holds"
BROKEN = "broken"

VERDICTS = {
    "claim": (REPRODUCED, IN_PART, NOT_REPRODUCED, NOT_YET_MEASURED),
    "finding": (OBSERVED, NOT_OBSERVED, NOT_YET_MEASURED),
    "control": (HOLDS, BROKEN, NOT_YET_MEASURED),
}


class Figure(Settings):
    """A measured number."""

    name: str
    value: float | None = Field(allow_inf_nan=False)
    """None where nothing could be measured."""
    unit: str
    source: str | None = None
    """The file that it comes from, below the folder of results."""


class Claim(Settings):
    """A claim, a finding or a control; see also `mechcore.claims.criteria.Criterion`."""

    id: str
    kind: str
    statement: str
    figures: list[Figure]
    """What was measured; the first one decides."""
    test: str
    verdict: str
    range: str
    """Where it holds, and where it does not."""
    section: str
    data: list[str]
    meaning: str = ""

    @model_validator(mode="after")
    def _verdict_of_its_kind(self) -> Claim:
        if self.kind not in VERDICTS:
            raise InvalidValue("kind", self.kind, " or ".join(VERDICTS))
        if self.verdict not in VERDICTS[self.kind]:
            raise InvalidValue("verdict", self.verdict, " or ".join(VERDICTS[self.kind]))
        return self


class ClaimsFile(Settings):
    """The file, which is a plain list."""

    claims: list[Claim] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _name_the_list(cls, content: object) -> dict[str, object]:
        return {"claims": content}


def write_claims(claims: list[Claim], path: Path) -> None:
    """Write ``claims.json``."""
    content = [claim.model_dump() for claim in claims]
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    replace_file(path, lambda draft: draft.write_text(text + "\n", encoding="utf-8"))


def read_claims(path: Path) -> list[Claim]:
    """Read ``claims.json``."""
    return read_settings(ClaimsFile, path, "mechcore judge").claims
