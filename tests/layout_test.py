"""A stage imports only stages before it."""

import ast
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "dsth_jax"

# The order in which the data moves; a new stage has its place here.
ORDER = (
  *("version", "types", "unit_length", "ground_truth"),
  *("runtime", "datasets", "models", "features"),
  *("graph", "spectral", "codes", "train", "encode", "hamming", "metrics"),
  *("baselines", "report", "config", "pipeline", "comparison", "cli"),
  *("main", "compare", "encode_shards"),
)


def _stage(path):
  return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported_stages(path):
  for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
    if isinstance(node, ast.ImportFrom) and node.module == "dsth_jax":
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
      package, _, rest = node.module.partition(".")
      if package == "dsth_jax":
        yield rest.split(".")[0]


FILES = sorted(
  path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stage_imports_only_stages_before_it(path):
  own = ORDER.index(_stage(path))
  for imported in _imported_stages(path):
    assert ORDER.index(imported) <= own, f"{path} imports {imported}"


@pytest.mark.parametrize("stage", ["graph", "spectral", "codes", "hamming"])
def test_the_core_knows_no_files_flags_or_data_sets(stage):
  files = [path for path in FILES if _stage(path) == stage]
  assert files
  for path in files:
    text = path.read_text(encoding="utf-8")
    for name in ("absl", "ml_collections", "tensorflow_datasets", "logging"):
      assert f"import {name}" not in text, path
      assert f"from {name}" not in text, path
