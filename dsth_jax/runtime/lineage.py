"""Which source code a result depends on: what its maker's module imports.

>>> "dsth_jax.types" in sources("dsth_jax.codes")
True
>>> "dsth_jax.report" in sources("dsth_jax.codes")
False
"""

import ast
import functools
import hashlib
import importlib.util
import pathlib
from collections.abc import Iterator

_PACKAGE = __name__.partition(".")[0]
# What stores and logs results, and does not make them: their layout on disk has
# a version number of its own, `artifacts.FORMAT`.
_STORAGE = frozenset(
  f"{_PACKAGE}.{name}"
  for name in (
    "pipeline.training_log",
    "pipeline.workdir",
    "runtime.artifacts",
    "runtime.lineage",
  )
)


@functools.cache
def sources(module: str) -> dict[str, str]:
  """Returns a digest of every module of this package that a module reaches.

  Imports are read from the source, also those inside functions. Comments,
  docstrings and layout do not count.

  Args:
    module: its full name.

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
  path = _path(module)
  if path is None:
    raise ValueError(
      f"{module} is no module of {_PACKAGE}: results are kept of functions of "
      "the package only."
    )
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


@functools.cache
def _path(module: str) -> pathlib.Path | None:
  """Returns the file of a module of this package; None for all others."""
  package, *rest = module.split(".")
  if package != _PACKAGE:
    return None
  spec = importlib.util.find_spec(_PACKAGE)
  assert spec is not None
  assert spec.origin is not None
  place = pathlib.Path(spec.origin).parent.joinpath(*rest)
  candidates = (place.with_suffix(".py"), place / "__init__.py")
  return next((path for path in candidates if path.is_file()), None)
