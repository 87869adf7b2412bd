"""The pages: their links lead somewhere, and their lists are complete."""

import pathlib
import re

import layout_test
import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[1]
# The changelog may name files of its time.
PAGES = sorted(
  page
  for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
  if page.name != "CHANGELOG.md"
)


def _text(page):
  """Returns a page without its blocks of code."""
  return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)


def _anchors(page):
  """Returns the names of a page's headings, as sites of repositories do."""
  for heading in re.findall(r"^#+ (.*)$", _text(page), re.M):
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    yield kept.replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page):
  for link in re.findall(r"\]\(([^)]+)\)", _text(page)):
    if link.startswith("https://"):
      continue
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    assert target.exists(), f"{page.name} links to {link}"
    if anchor:
      assert anchor in _anchors(target), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_name_configurations_and_modules_that_exist(page):
  text = page.read_text(encoding="utf-8")
  for config in re.findall(r"--config=(configs/\w+\.py)", text):
    assert (ROOT / config).is_file(), config
  for module in re.findall(r"-m ((?:dsth_jax|benchmarks)[\w.]*)", text):
    path = ROOT.joinpath(*module.split("."))
    assert path.with_suffix(".py").is_file() or path.is_dir(), module


def test_the_architecture_lists_the_folders_in_the_order_of_imports():
  text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
  diagram = re.search(r"```\n(version types .*?)```", text, re.S)[1]
  listed = [
    name
    for line in diagram.splitlines()
    for name in re.split(r" {2,}", line)[0].split()
  ]
  assert listed == list(layout_test.ORDER)


def test_every_page_is_in_the_contents():
  index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
  contents = re.search(r"```{toctree}(.*?)```", index, re.S)[1].split()
  pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
  assert pages <= set(contents)


def test_the_citation_has_the_version_of_the_package():
  citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
  version = (ROOT / "dsth_jax" / "version.py").read_text()
  assert f'"{citation["version"]}"' in version
  assert citation["cff-version"] == "1.2.0"
