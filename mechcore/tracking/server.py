"""MLflow's server behind a password: every account of a machine reaches its port.

An experiment of MLflow may keep its artifacts anywhere, so that whoever may use the server reads
and writes files as the account that runs it.
"""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechcore.tracking.store import SERVED

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

USER = "mechcore"

PASSWORD = "MECHCORE_UI_PASSWORD"  # noqa: S105 - the name of an environment variable
"""Environment variable, which other accounts cannot read, unlike arguments."""

HEALTH = "/health"
"""Says only that the server runs."""


@dataclass(frozen=True)
class PasswordRequired:
    """Passes on what comes with the password, whatever is asked for."""

    app: ASGIApp
    password: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        from starlette.responses import PlainTextResponse

        app = self.app
        if scope["type"] != "lifespan" and scope["path"] != HEALTH and not self._is_given(scope):
            ask = {"WWW-Authenticate": 'Basic realm="mechcore ui"'}
            app = PlainTextResponse("Sign in with the password that mechcore ui printed.", 401, ask)
        await app(scope, receive, send)

    def _is_given(self, scope: Scope) -> bool:
        expected = b"Basic " + base64.b64encode(f"{USER}:{self.password}".encode())
        return secrets.compare_digest(dict(scope["headers"]).get(b"authorization", b""), expected)


def app() -> PasswordRequired:
    """Return the server, for uvicorn; `mechcore.tracking.ui` sets its environment.

    Not by ``mlflow server``, which starts uvicorn as a child that outlives it.
    """
    from mlflow.server import constants  # noqa: TID251 - the server itself

    store = os.environ["MLFLOW_BACKEND_STORE_URI"]
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: store,
        constants.REGISTRY_STORE_URI_ENV_VAR: store,
        constants.ARTIFACT_ROOT_ENV_VAR: SERVED,
        constants.ARTIFACTS_DESTINATION_ENV_VAR: os.environ["MLFLOW_ARTIFACTS_DESTINATION"],
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
    }
    from mlflow.server.fastapi_app import app as pages  # noqa: TID251

    return PasswordRequired(pages, os.environ[PASSWORD])
