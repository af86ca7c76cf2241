"""Sphinx: the site of `make docs`.

The source folder is the repository, so the links of a page lead to the same places here and on a
forge. Nothing is fetched: formulas are MathML, and the rule graph is drawn when the site is built.
"""

from __future__ import annotations

import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

import rule_graph  # noqa: E402

import mechcore  # noqa: E402

project = "mechcore"
author = copyright = "the mechcore authors"  # noqa: A001
release = mechcore.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md"),
    *("reports/full/README.md", "resources/banks/*.md"),
]
exclude_patterns = ["docs/_build", ".*", "results", "logs", "mlartifacts", "dist"]

nitpicky = True
# Types of other libraries, whose pages would have to be fetched; names of docstrings that are not
# public stay code.
nitpick_ignore_regex = [("py:.*", r"(?!mechcore).*"), ("py:obj", ".*")]
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "none"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "mechcore"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = ["_templates"]
# The address that servers and people open first.
html_additional_pages = {"index": "forward.html"}
html_use_index = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Register what Sphinx has no setting for."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (formula, None))
    app.connect("doctree-read", unlink_folders)
    app.connect("builder-inited", lambda _: rule_graph.draw(DOCS / "_build" / "rules.svg"))


def inline_formula(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def formula(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    translator.body.append(f'<div class="formula">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def unlink_folders(_app: Sphinx, page: nodes.document) -> None:
    """Leave the text alone of links to folders: a forge shows those, a site has none."""
    place = Path(page["source"]).parent
    for link in list(page.findall(addnodes.pending_xref)):
        if (place / link["reftarget"]).is_dir():
            link.replace_self(link.children)
