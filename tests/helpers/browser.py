"""A headless browser without network, which keeps what a page complains of and asks for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Request, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 800}
SMALL_PHONE = {"width": 320, "height": 640}


@dataclass
class Visit:
    page: Page
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def value(self, expression: str) -> Any:
        return self.page.evaluate(expression)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser of the system; none is ever downloaded."""
    with sync_playwright() as playwright:
        # A container's root may not use the sandbox; the page comes from this very test.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Browser, file: Path, **settings: Any) -> Iterator[Visit]:
    context = browser.new_context(offline=True, **{"viewport": DESKTOP, **settings})
    try:
        seen = Visit(context.new_page())
        _listen(seen)
        seen.page.goto(file.resolve().as_uri())
        yield seen
    finally:
        context.close()


def _listen(seen: Visit) -> None:
    page = seen.page

    def on_request(request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            seen.outside.append(request.url)

    page.on("request", on_request)
    page.on("requestfailed", lambda request: seen.complaints.append(f"failed: {request.url[:99]}"))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            seen.complaints.append(message.text) if message.type in ("warning", "error") else None
        ),
    )
    page.route("**/*", lambda route: _let_pass(route))


def _let_pass(route: Any) -> None:
    if route.request.url.startswith(("file:", "data:")):
        route.continue_()
    else:
        route.abort()
