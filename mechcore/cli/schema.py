"""``mechcore schema``: the JSON schema of configurations, for editors."""

from __future__ import annotations

import typer

from mechcore.cli.options import OutputOption
from mechcore.experiment.config import schema_text
from mechcore.io.atomic import check_output, replace_file

EXAMPLES = """Examples:

  mechcore schema --output config/schema.json
"""


def command(output: OutputOption) -> None:
    """Write the JSON schema of configurations."""
    check_output(output)
    replace_file(output, lambda draft: draft.write_text(schema_text(), encoding="utf-8"))
    typer.echo(f"{output}")
