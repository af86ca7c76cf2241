"""``mechcore ui``: MLflow's pages on what was tracked."""

from __future__ import annotations

import secrets
from ipaddress import ip_address
from typing import Annotated

import typer

EXAMPLES = """Examples:

  mechcore ui

  mechcore ui --port 5001
"""


def command(
    host: Annotated[
        str, typer.Option(help="What the server listens on; 0.0.0.0 is reached by other machines.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its port.")] = 5000,
) -> None:
    """Start MLflow's server on the store, and print the addresses of its runs.

    The store is MLFLOW_TRACKING_URI, else mlflow.db in this folder. If it is the address of a
    server, that server has the pages and nothing is started. The pages ask for a password, which is
    another one each time. Ctrl-C ends the server.
    """
    from mechcore.report.cells import AS_RUNS
    from mechcore.tracking.server import USER
    from mechcore.tracking.ui import (
        become_server,
        bindable_address,
        check_store,
        experiment_pages,
    )
    from mechcore.tracking.uri import is_server, tracking_uri, without_password

    uri = tracking_uri()
    if is_server(uri):
        server = without_password(uri).rstrip("/")
        typer.echo(f"MLFLOW_TRACKING_URI is a server: open {server}/#/experiments{AS_RUNS}")
        return
    check_store(uri)
    address = bindable_address(host, port)
    if not ip_address(address).is_loopback:
        typer.echo(f"Warning: what goes to and from {host} is not encrypted, nor is the password.")
    server = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    typer.echo(f"Starting MLflow on {server}; the runs of")
    for name, page in experiment_pages(uri).items():
        typer.echo(f"  {name}: {server}{page}")
    # 96 bits.
    password = secrets.token_urlsafe(12)
    typer.echo(f"Sign in as {USER} with the password {password}")
    typer.echo("What to compare there: docs/compare.md. Ctrl-C ends the server.")
    become_server(uri, host, port, password)
