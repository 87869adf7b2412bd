"""Settings of Sphinx: the pages of this folder and the API reference.

sphinx-build -W docs FOLDER
"""

import pathlib
import re
import runpy

project = "dsth_jax"
author = "The dsth_jax authors"
release = runpy.run_path(
  str(pathlib.Path(__file__).parents[1] / "dsth_jax" / "version.py")
)["__version__"]

extensions = ["autoapi.extension", "sphinx.ext.napoleon", "myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
# The API reference is read from the source, whose annotations keep their
# shapes: Float[ArrayLike, "n d"].
autoapi_dirs = ["../dsth_jax"]
autoapi_root = "api"
autoapi_add_toctree_entry = False
autoapi_options = ["members", "undoc-members", "show-module-summary"]
python_use_unqualified_type_names = True
# `name` in a docstring links to what it names, where that is in the reference.
default_role = "py:obj"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
# What one method is set by, beside the arguments that all share.
napoleon_custom_sections = [("Settings", "params_style")]
# Headings of the pages become targets of links, as on a repository's site.
myst_heading_anchors = 3
# Pages link to files outside this folder too; tests/docs_test.py checks links.
suppress_warnings = ["myst.xref_missing"]

_SIGNATURE = re.compile(r"^ *(\.\. py:|:type: ).*$", re.MULTILINE)
_OTHERS_MODULE = re.compile(
  r"\b(?:dsth_jax\.types\.|(?!dsth_jax\.)(?:\w+\.)+)(?=[A-Z])"
)
_SHAPED = re.compile(
  r"\b(Bool|Float|Float32|Int|Int32|Int64|Integer|Key|Num|Real|Shaped|UInt|UInt8)"
  r"\[([^\[\],]+), ([^\[\]'\"]*)\]"
)
_FORMULA = re.compile(r"(?<![\\`*])(\||\*(?=[\w,]))(?!\*)")
_RETURNS = re.compile(r"^\s*(Returns|Yields):$")


def _shorten(app, docname, source):
  """Writes types as the source does: Float[ArrayLike, 'n d']."""
  del app

  def short(signature):
    line = _OTHERS_MODULE.sub("", signature[0])
    return _SHAPED.sub(r"\1[\2, '\3']", line)

  if docname.startswith("api/"):
    source[0] = _SIGNATURE.sub(short, source[0])


def _escape(app, kind, name, documented, options, lines):
  """Keeps text from being read as markup.

  That is |x| and *args of formulas; and what is returned, of which napoleon
  takes all before a colon for a type.
  """
  del app, kind, name, documented, options
  for number, line in enumerate(lines):
    if not line.lstrip().startswith((">>>", "...")):
      lines[number] = _FORMULA.sub(r"\\\1", line)
    if number and _RETURNS.match(lines[number - 1]):
      text = lines[number].lstrip()
      indent = len(lines[number]) - len(text)
      lines[number] = f"{indent * ' '}: {text}"


def setup(app):
  """Called by Sphinx."""
  app.connect("source-read", _shorten)
  app.connect("autodoc-process-docstring", _escape, priority=100)
