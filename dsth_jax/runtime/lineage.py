"""Which source code a result depends on: what its maker's module imports.

>>> "dsth_jax.types" in sources("dsth_jax.codes")
True
>>> "dsth_jax.report" in sources("dsth_jax.codes")
False
"""

import ast
import functools
import hashlib
import pathlib
import sys
import uuid
from collections.abc import Iterator

_PACKAGE = __name__.partition(".")[0]
# Where the source of the package lies.
ROOT = pathlib.Path(__file__).parents[1]
# What stores and logs results, and does not make them: their layout on disk has
# a version number of its own, `artifacts.FORMAT`.
_STORAGE = frozenset(
  f"{_PACKAGE}.{name}"
  for name in (
    "pipeline.training_log",
    "pipeline.workdir",
    "runtime.artifacts",
    "runtime.checksums",
    "runtime.files",
    "runtime.locks",
    "runtime.records",
    "runtime.rows",
    "runtime.stopping",
    "runtime.lineage",
  )
)


@functools.cache
def sources(module: str) -> dict[str, str]:
  """Returns a digest of every module of this package that a module reaches.

  Imports are read from the source, also those inside functions. Comments,
  docstrings and layout do not count.

  Args:
    module: its full name; one of a user's own is followed into this package. If
      it has no file, as in a notebook, it never equals an earlier one.

  Returns:
    The digests by name, that of `module` among them.
  """
  found: dict[str, str] = {}
  waiting = [module]
  while waiting:
    name = waiting.pop()
    if name not in found and name not in _STORAGE:
      source = _source(name)
      found[name] = source[0]
      waiting += source[1]
  return dict(sorted(found.items()))


@functools.cache
def _source(module: str) -> tuple[str, tuple[str, ...]]:
  """Returns the digest of a module's code, and the modules it imports."""
  path = _path(module) or _users_path(module)
  if path is None:
    return uuid.uuid4().hex, ()
  tree = ast.parse(path.read_text(encoding="utf-8"))
  imported = tuple(sorted(set(_imports(tree))))
  for node in ast.walk(tree):
    _remove_docstring(node)
  code = ast.dump(tree)
  return hashlib.sha256(code.encode()).hexdigest()[:16], imported


def _remove_docstring(node: ast.AST) -> None:
  documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
  if isinstance(node, documented) and ast.get_docstring(node, clean=False):
    del node.body[0]


def _imports(tree: ast.AST) -> Iterator[str]:
  """Yields the modules of this package that a source imports."""
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names if _path(alias.name))
    elif isinstance(node, ast.ImportFrom) and _path(node.module or ""):
      for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        yield inner if _path(inner) else str(node.module)


def _users_path(module: str) -> pathlib.Path | None:
  file = getattr(sys.modules.get(module), "__file__", None)
  return pathlib.Path(file) if file else None


@functools.cache
def _path(module: str) -> pathlib.Path | None:
  """Returns the file of a module of this package; None for all others."""
  package, *rest = module.split(".")
  if package != _PACKAGE:
    return None
  place = ROOT.joinpath(*rest)
  candidates = (place.with_suffix(".py"), place / "__init__.py")
  return next((path for path in candidates if path.is_file()), None)
