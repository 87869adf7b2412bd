"""A stage imports only stages before it, wherever the import stands."""

import ast
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "dsth_jax"

# The order in which the data moves; a new stage has its place here.
ORDER = (
  *("version", "types", "unit_length", "ground_truth"),
  *("runtime", "datasets", "models", "feature_transforms", "features"),
  *("graph", "spectral", "codes", "train", "encode", "hamming"),
  *("finished_run", "metrics"),
  *("baselines", "report", "config", "pipeline", "comparison", "cli"),
  "paper",
  *("main", "compare", "encode_shards", "search"),
)
CORE = ("graph", "spectral", "codes", "hamming")
NOT_IN_CORE = ("absl", "ml_collections", "tensorflow_datasets", "logging")


def _files(package):
  root = package / "__init__.py"
  return sorted(path for path in package.rglob("*.py") if path != root)


def _module(path, package):
  """The parts of a module's name after the package's, as the stage first."""
  parts = path.relative_to(package).with_suffix("").parts
  return parts[:-1] if parts[-1] == "__init__" else parts


def _imports(path, package):
  """Yields the full name of all that a file imports, in functions too."""
  inside = (package.name, *path.relative_to(package).parts[:-1])
  for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      up = inside[: len(inside) + 1 - node.level] if node.level else ()
      base = ".".join([*up, *([node.module] if node.module else [])])
      yield from (f"{base}.{alias.name}" for alias in node.names)


def _position(stage):
  assert stage in ORDER, f"{stage} has no place in ORDER: add it there"
  return ORDER.index(stage)


def _later_stages(path, package):
  """Returns the imports of stages after the file's own, and of the package."""
  position = _position(_module(path, package)[0])
  names = [name.split(".") for name in _imports(path, package)]
  return [
    ".".join(name)
    for name in names
    if name[0] == package.name
    and (len(name) < 2 or _position(name[1]) > position)
  ]


def _cycle(package):
  """Returns modules that import each other in a circle, or nothing."""
  paths = {_module(path, package): path for path in _files(package)}
  graph = {
    module: {
      target
      for name in _imports(path, package)
      if name.split(".")[0] == package.name
      for target in [_longest(tuple(name.split(".")[1:]), paths)]
      # A package's __init__ and its modules load as one.
      if target and target != module[: len(target)]
    }
    for module, path in paths.items()
  }
  done, stack = set(), []

  def visit(module):
    if module in stack:
      return [*stack[stack.index(module) :], module]
    if module in done:
      return []
    stack.append(module)
    found = next(filter(None, map(visit, sorted(graph[module]))), [])
    stack.pop()
    done.add(module)
    return found

  circles = filter(None, map(visit, sorted(graph)))
  return [".".join(module) for module in next(circles, [])]


def _longest(name, modules):
  """Returns the module that a name of it or of something in it leads to."""
  candidates = [name[:length] for length in range(len(name), 0, -1)]
  return next((each for each in candidates if each in modules), None)


@pytest.mark.parametrize(
  "path", _files(PACKAGE), ids=lambda path: "/".join(_module(path, PACKAGE))
)
def test_a_stage_imports_only_stages_before_it(path):
  assert _later_stages(path, PACKAGE) == []


def test_no_modules_import_each_other_in_a_circle():
  assert _cycle(PACKAGE) == []


@pytest.mark.parametrize("stage", CORE)
def test_the_core_knows_no_files_flags_or_data_sets(stage):
  files = [f for f in _files(PACKAGE) if _module(f, PACKAGE)[0] == stage]
  assert files
  for path in files:
    names = {name.split(".")[0] for name in _imports(path, PACKAGE)}
    assert not names & set(NOT_IN_CORE), path


def _package(folder, **sources):
  """Writes a package of one-file rooms; returns its folder."""
  package = folder / "dsth_jax"
  for name, source in sources.items():
    path = package.joinpath(*name.split("__")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
  return package


@pytest.mark.parametrize(
  "source",
  [
    "from dsth_jax import metrics",
    "from dsth_jax.metrics import curves",
    "from dsth_jax.metrics.curves import precision",
    "import dsth_jax.metrics.curves",
    "import dsth_jax.metrics as m",
    "from ..metrics import curves",
    "from .. import metrics",
    "def f():\n  from dsth_jax import metrics",
    "def f():\n  import dsth_jax.metrics.curves",
    "import dsth_jax",
  ],
)
def test_the_check_finds_every_form_of_import(source, tmp_path):
  package = _package(tmp_path, graph__knn=source)
  assert len(_later_stages(package / "graph/knn.py", package)) == 1


def test_the_check_passes_earlier_stages_and_other_packages(tmp_path):
  source = (
    "import metrics\nfrom dsth_jax.runtime import sharding\nimport os.path"
  )
  package = _package(tmp_path, graph__knn=source)
  assert _later_stages(package / "graph/knn.py", package) == []


@pytest.mark.parametrize("place", ["name", "import"])
def test_the_check_asks_for_a_place_of_an_unknown_stage(place, tmp_path):
  stage, source = {
    "name": ("new", ""),
    "import": ("graph", "import dsth_jax.new"),
  }[place]
  package = _package(tmp_path, **{f"{stage}__knn": source})
  with pytest.raises(AssertionError, match="new has no place in ORDER: add it"):
    _later_stages(package / stage / "knn.py", package)


def test_the_check_finds_circles(tmp_path):
  package = _package(
    tmp_path,
    graph__a="from dsth_jax.graph import b",
    graph__b="def f():\n  import dsth_jax.graph.c",
    graph__c="from dsth_jax.graph.a import x",
  )
  assert _cycle(package) == ["graph.a", "graph.b", "graph.c", "graph.a"]
