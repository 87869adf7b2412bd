"""What a result follows from is read from the source of its maker."""

import sys
import types

import pytest

from dsth_jax.runtime import lineage

FILES = {
  "__init__.py": "",
  "codes.py": '"""Codes."""\n\nfrom dsth_jax import types\n\nLIMIT = 3\n',
  "types.py": "NOTHING = None\n",
  "graph/__init__.py": "from dsth_jax.graph.knn import search\n",
  "graph/knn.py": (
    "def search():\n  import dsth_jax.codes\n  return dsth_jax.codes\n"
  ),
  "report.py": "from dsth_jax import graph\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
  """A small package of this one's name, and what forgets its sources."""

  def write(name, text):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    for cached in (lineage.sources, lineage._source, lineage._path):
      cached.cache_clear()

  for name, text in FILES.items():
    write(name, text)
  monkeypatch.setattr(lineage, "ROOT", tmp_path)
  yield write
  for cached in (lineage.sources, lineage._source, lineage._path):
    cached.cache_clear()


def test_modules_are_followed_also_inside_functions(package):
  names = ("codes", "graph", "graph.knn", "types")
  assert list(lineage.sources("dsth_jax.graph")) == [
    f"dsth_jax.{name}" for name in names
  ]
  assert list(lineage.sources("dsth_jax.types")) == ["dsth_jax.types"]


def test_only_code_counts(package):
  before = lineage.sources("dsth_jax.codes")
  package("codes.py", "# Why.\nfrom dsth_jax import types\nLIMIT  =  3\n")
  assert lineage.sources("dsth_jax.codes") == before
  package("codes.py", FILES["codes.py"].replace("3", "4"))
  after = lineage.sources("dsth_jax.codes")
  assert after["dsth_jax.types"] == before["dsth_jax.types"]
  assert after["dsth_jax.codes"] != before["dsth_jax.codes"]


def test_docstrings_of_functions_and_classes_do_not_count(package):
  plain = "class A:\n  def f(self):\n    return 1\n"
  told = 'class A:\n  """A."""\n\n  def f(self):\n    """F."""\n    return 1\n'
  found = []
  for text in (plain, told):
    package("types.py", text)
    found.append(lineage.sources("dsth_jax.types"))
  assert found[0] == found[1]


def test_a_users_own_module_is_followed_into_the_package(
  package, tmp_path, monkeypatch
):
  file = tmp_path / "mine.py"
  file.write_text("from dsth_jax import codes\n")
  module = types.ModuleType("mine")
  module.__file__ = str(file)
  monkeypatch.setitem(sys.modules, "mine", module)
  found = lineage.sources("mine")
  assert list(found) == ["dsth_jax.codes", "dsth_jax.types", "mine"]


def test_what_has_no_file_is_never_as_it_was(package, monkeypatch):
  monkeypatch.setitem(sys.modules, "cell", types.ModuleType("cell"))
  first = lineage.sources("cell")
  lineage.sources.cache_clear()
  lineage._source.cache_clear()
  assert lineage.sources("cell") != first
