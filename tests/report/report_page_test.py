import copy
import fnmatch
import re

import jinja2
import numpy as np
import pytest
from support.pages import Page, shown_rows
from support.run_results import HOSTILE, NUM_BITS, at, leaves

from dsth_jax import codes, report
from dsth_jax.report import (
  descriptions,
  formatting,
  html,
  markdown,
  page,
  tables,
)

pytestmark = pytest.mark.usefixtures("undrawn")


def test_page_loads_nothing(results, sheet):
  text = page.render(results, sheet)
  found = Page(text)
  assert found.addresses()
  assert found.loads_nothing()
  assert not re.search(r"https?:|url\(|@import", text)
  policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
  assert ("meta", "content", policy) in found.attributes


def test_page_has_the_tables(results, sheet):
  found = Page(page.render(results, sheet)).rows
  for table in (
    tables.quality(results["held_out"]),
    tables.recall(results["held_out"]),
    tables.returned(results["training"]),
    tables.stages(results),
    tables.statistics(results["statistics"]),
    tables.details(results),
    tables.skipped(results),
  ):
    head = ["".join(column.split()) for column in table.columns]
    rows = [head, *shown_rows(table)]
    starts = [i for i, row in enumerate(found) if row == head]
    assert rows in [found[i : i + len(rows)] for i in starts]


def test_page_has_the_account_of_all_files(results, sheet):
  account = (
    "59,011 files found: 58,994 images read, 2 skipped (is truncated or "
    "damaged: 1, has too many pixels: 1), 15 not images (.txt: 11, @eaDir/: 4)."
  )
  assert account in " ".join(Page(page.render(results, sheet)).text.split())
  assert markdown.escape(account) in markdown.render(results, [])
  del results["account"]
  assert "files found" not in Page(page.render(results, sheet)).text


def test_names_are_escaped(results, sheet):
  benign = Page(page.render(results, sheet))
  hostile = copy.deepcopy(results)
  for path in leaves(results):
    if isinstance(at(results, path), str):
      at(hostile, path[:-1])[path[-1]] = HOSTILE
  hostile["environment"] = {HOSTILE: HOSTILE, "devices": HOSTILE}
  for part in ("held_out", "statistics"):
    hostile[part][HOSTILE] = hostile[part].pop("itq")
  hostile["stages"] = {
    HOSTILE if name == "pixels" else name: entry
    for name, entry in hostile["stages"].items()
  }
  hostile_sheet = sheet._replace(
    query_names=[HOSTILE] * 2, result_names=[[HOSTILE] * 3] * 2
  )
  files = report.render(hostile, hostile_sheet)
  found = Page(files["index.html"].decode())
  assert set(found.tags) == set(benign.tags)
  assert {name for _, name, _ in found.attributes} == {
    name for _, name, _ in benign.attributes
  }
  # A path may break after its folders, which splits the text there.
  assert "".join(found.texts).count(HOSTILE) > 10
  alt = ("img", "alt", f"{HOSTILE}, distance 0, relevant")
  assert alt in found.attributes
  text = files["report.md"].decode()
  assert "<" not in text.replace(r"\<", "")
  for row in re.findall(r"^\|.*\n(?=\|)", text, re.MULTILINE):
    assert len(re.findall(r"(?<!\\)\|", row)) >= 3
  assert not re.search(r"(?<!\\)`", text)


@pytest.mark.parametrize(
  "name", ["two\nlines", "{{ title }}", "${title}", "</style>", "'\"", "\\"]
)
def test_a_name_is_shown_as_it_is(results, sheet, name):
  results["environment"] = {name: name}
  named = sheet._replace(query_names=[name] * 2)
  found = Page(page.render(results, named))
  assert ["".join(name.split())] * 2 in found.rows
  assert ("img", "alt", f"query {name}") in found.attributes


def test_template_without_a_value_is_refused():
  with pytest.raises(jinja2.UndefinedError, match="num_bits"):
    html.render("how_it_works.html", stage_texts=[("", "")] * 3)


def test_figures_that_were_not_measured_are_dashes(results, sheet):
  results["held_out"]["dsth"]["hd3p"] = float("nan")
  results["held_out"]["dsth"]["nc3p"] = None
  results["stages"]["codes"]["images_per_second"] = None
  found = Page(page.render(results, sheet))
  assert not re.search(r"\b(nan|None)\b", found.text)
  quality = tables.quality(results["held_out"])
  row = next(row for row in quality.rows if row.method == "dsth")
  texts = [cell.text for cell in row.cells]
  assert texts[-2:] == [formatting.DASH] * 2
  assert formatting.DASH not in texts[:-2]


def test_methods_are_described_once_and_in_order(results, sheet):
  text = page.render(results, sheet)
  order = ("dsth", "labels", "paper_labels", "lsh", "itq", "cosine")
  places = [
    text.index(
      f"<dt>{descriptions.method(key).name.replace(chr(39), '&#39;')}<"
    )
    for key in order
  ]
  assert places == sorted(places)


def test_snippet_finds_the_nearest_codes(tmp_path, monkeypatch, capsys):
  rng = np.random.default_rng(0)
  bits = rng.integers(0, 2, (20, NUM_BITS), np.uint8)
  bits[7] = bits[0]
  (tmp_path / "codes").mkdir()
  np.save(tmp_path / "codes" / "packed.npy", np.asarray(codes.pack(bits)))
  names = [f"\N{GREEK SMALL LETTER ALPHA} {i}.png" for i in range(20)]
  (tmp_path / "codes" / "names.txt").write_text("\n".join(names), "utf-8")
  monkeypatch.chdir(tmp_path)
  exec(page.snippet(), {})
  lines = capsys.readouterr().out.splitlines()
  order = np.argsort((bits != bits[0]).sum(1), kind="stable")[:10]
  assert [line.split("  ")[-1] for line in lines] == [names[i] for i in order]
  assert lines[1].strip().startswith("0 bits differ")


def test_every_template_compiles_and_is_shipped():
  environment = html._environment()
  names = environment.list_templates()
  assert {"report.html", "comparison.html", "page.css"} <= set(names)
  for name in names:
    environment.get_template(name)
    # setup.cfg ships templates/*, and no folders in it.
    assert fnmatch.fnmatch(name, "*.*")
    assert "/" not in name
