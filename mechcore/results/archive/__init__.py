"""One file that holds an experiment with all its results, as an RO-Crate."""

from mechcore.results.archive.reading import Contents, opened

__all__ = ["Contents", "opened"]
