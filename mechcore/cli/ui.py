"""``mechcore ui``: MLflow's pages on what was tracked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mechcore.tracking.ui import Page

EXAMPLES = """Examples:

  mechcore ui

  mechcore ui --port 5001

  MLFLOW_TRACKING_URI=http://tracking:5000 mechcore ui
"""

HINTS = """
Each page is a view of the menu "Views"; its columns and its filter can be changed.
Tick runs and press "Compare" for their parameters, metrics and curves side by side.
What to click, with pictures: docs/compare.md
"""


def command(
    host: Annotated[
        str, typer.Option(help="What the server listens on; 0.0.0.0 is reached by other machines.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its port.")] = 5000,
) -> None:
    """Start MLflow's server on the store, and print the addresses of its pages.

    The store is MLFLOW_TRACKING_URI, else mlflow.db in this folder. Nothing is started if it is
    the address of a server. Ctrl-C ends the server; the exit code is then 0.
    """
    from mechcore.tracking.store import is_server, tracking_uri, without_password
    from mechcore.tracking.ui import is_private, pages, served

    uri = tracking_uri()
    if is_server(uri):
        _print_pages(pages(uri), without_password(uri).rstrip("/"))
        return
    try:
        with served(uri, host, port) as server:
            typer.echo("Starting MLflow's server: some seconds", err=True)
            found = pages(uri)
            server.wait_for_health()
            _print_pages(found, server.address)
            if not is_private(host):
                typer.echo(f"Warning: {host} asks for no password; others may change and delete.")
            typer.echo("Ctrl-C ends the server.")
            server.wait()
    except KeyboardInterrupt:
        # How a server is meant to end; `make` would call another exit code an error.
        typer.echo("\nThe server has ended.")


def _print_pages(pages: list[Page], address: str) -> None:
    names = dict.fromkeys(page.experiment for page in pages)
    if not names:
        typer.echo(f"{address}\nNothing is tracked yet: make, or mechcore track")
        return
    width = max(len(page.name) for page in pages)
    for name in names:
        typer.echo(name)
        for page in pages:
            if page.experiment == name:
                typer.echo(f"  {page.name:{width}}  {address}{page.path}")
    typer.echo(HINTS)
