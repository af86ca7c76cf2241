"""``mechcore fetch``: public weights."""

from __future__ import annotations

from typing import Annotated

import typer

from mechcore.cli.options import OutputOption
from mechcore.cli.outputs import check_outputs
from mechcore.experiment.public_weights import PublicWeights
from mechcore.io.json_models import parsed_json, validated

EXAMPLES = """Examples:

  mechcore fetch --output pnet.pt '{"package": "facenet-pytorch==2.6.0",
  "member": "facenet_pytorch/data/pnet.pt", "sha256": "...", "licence": "MIT", "origin": "MTCNN"}'
"""


def command(
    source: Annotated[
        str, typer.Argument(help="Package, member, SHA-256, licence and origin, as one JSON line.")
    ],
    output: OutputOption,
) -> None:
    """Fetch a file of weights out of a published package, and check its hash."""
    public = validated(PublicWeights, parsed_json(source, "source"), "source")
    check_outputs({"--output": output})

    from mechcore.io.packages import fetch_member

    fetch_member(public.package, public.member, public.sha256, output)
    typer.echo(f"{output}: {public.origin}; {public.licence}")
