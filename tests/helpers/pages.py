"""What the pages of the documentation show."""

from __future__ import annotations

from markdown_it import MarkdownIt

from tests.helpers.projects import PROJECT


def snippets(page: str, language: str = "python") -> list[str]:
    """The snippets of a page, which is named by its path in the project."""
    tokens = MarkdownIt().parse((PROJECT / page).read_text(encoding="utf-8"))
    return [token.content for token in tokens if token.info == language]
