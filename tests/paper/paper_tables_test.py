"""The paper's tables: their cells, and the three forms that they come in."""

import csv
import io
import re

import pytest
from support import paper_results

from dsth_jax.paper import experiments, latex, layout, notes, published, tables
from dsth_jax.paper.results import Key
from dsth_jax.report.formatting import DASH, MINUS

STAND_IN = "efficientnet_lite0"


def _entries(name, measured, context=None):
  content = layout.layout(name, measured, context or paper_results.context())
  return list(notes.entries(content))


def _csv(files, name):
  text = files[f"{name}.csv"].decode()
  return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
  ("name", "size"),
  [
    ("table2", 7 * 3),
    ("table3", 32 * 8),
    ("table4", 4 * 8),
    ("table5", 18 * 4),
  ],
)
def test_every_entry_of_the_paper_has_its_place(name, size):
  entries = _entries(name, {})
  assert len(entries) == size
  printed = sum(
    len([1 for value in figures.values() if isinstance(value, float)])
    + len(figures.get("precision_at_recall", ()))
    for figures in published.table(name).values()
  )
  assert sum(entry.published is not None for entry in entries) == printed


def test_differences_are_measured_minus_published():
  measured = paper_results.measured()
  for entry in _entries("table3", measured):
    found = measured.get(entry.key)
    assert (entry.measured is None) == (found is None)
    assert (entry.difference is None) == (found is None)
    if found is not None:
      there = published.table("table3")[entry.published_key]
      expected = layout.figure(found, entry.column) - layout.figure(
        there, entry.column
      )
      assert entry.difference == expected


def test_what_was_measured_as_published_differs_by_nothing():
  entries = _entries(
    "table3", published.table("table3"), paper_results.context(stand_ins={})
  )
  assert {entry.difference for entry in entries} == {0}


def test_levels_of_recall_are_found_by_their_value():
  metrics = paper_results.metrics(0.5)
  assert layout.figure(metrics, "0.4") == metrics["precision_at_recall"][3]
  assert layout.figure(metrics, "0.45") is None


def test_entries_without_a_figure_have_the_reason():
  failed = Key("cifar10", "alexnet", "mlp", "sigmoid", False, "dsth", 48)
  context = paper_results.context(
    failed={failed: "The loss is not finite."},
    missing={"stl10": "Get stl10_binary.tar.gz."},
  )
  measured = paper_results.measured(["cifar10"], num_bits=[48])
  del measured[failed]
  reasons = {
    entry.key: entry.reason for entry in _entries("table3", measured, context)
  }
  assert reasons[failed] == "The loss is not finite."
  stl = failed._replace(dataset="stl10", num_bits=32)
  assert reasons[stl] == "Get stl10_binary.tar.gz."
  coarse = failed._replace(dataset="cifar100_coarse")
  assert reasons[coarse] == "This cell is not part of the run."
  assert all((reasons[key] == "") == (key in measured) for key in reasons)


def test_a_dash_stands_where_nothing_was_measured():
  files = tables.render("table3", {}, paper_results.context())
  text = files["table3.md"].decode()
  rows = [line for line in text.splitlines() if line.startswith("| ")]
  figures = [cell for row in rows for cell in row.split(" | ")[1:]]
  figures = [cell for cell in figures if re.match(rf"{DASH}|\d", cell)]
  assert len(figures) == 32 * 8
  assert all(
    cell.startswith(f"{DASH} (") and "note" in cell for cell in figures
  )


def test_rows_name_the_backbone_that_stands_in():
  files = tables.render(
    "table3", paper_results.measured(), paper_results.context()
  )
  text = files["table3.md"].decode()
  assert "| EfficientNet-Lite0 in place of GoogLeNet, MLP+Sigmoid |" in text
  assert "| AlexNet, MLP+Sigmoid |" in text
  latex_text = files["table3.tex"].decode()
  assert "\nin place of GoogLeNet &  & published &" in latex_text
  columns = layout.layout("table2", {}, paper_results.context()).columns
  assert "in place of GoogLeNet" in columns[1].name


def test_csv_gives_back_every_figure():
  measured = paper_results.measured()
  files = tables.render("table3", measured, paper_results.context())
  rows = _csv(files, "table3")
  entries = _entries("table3", measured)
  assert len(rows) == len(entries)
  for row, entry in zip(rows, entries):
    assert [row[name] for name in Key._fields] == [str(v) for v in entry.key]
    for name in ("measured", "published", "difference"):
      value = float(row[name]) if row[name] else None
      assert value == getattr(entry, name)
    assert row["notes"] == " ".join(entry.notes)


def test_this_packages_labels_follow_the_papers_where_they_were_measured():
  measured = paper_results.measured(["cifar10"], num_bits=[48])
  key = Key("cifar10", STAND_IN, "slice", "batchnorm", False, "dsth", 48)
  ours = key._replace(method="dsth_diffusion")
  measured[ours] = paper_results.metrics(0.9)
  content = layout.layout("table3", measured, paper_results.context())
  lines = content.parts[0].lines
  keys = [line.entries[0].key for line in lines]
  assert len(keys) == 9
  assert keys.index(ours) == keys.index(key) + 1
  line = lines[keys.index(ours)]
  assert line.head[1] == "Slice+BatchNorm, diffusion labels"
  assert all(entry.published is None for entry in line.entries)
  assert line.entries[0].measured == measured[ours]["precision_at_recall"][0]


def test_classification_is_found_in_any_cell_of_the_backbone():
  key = Key("cifar10", STAND_IN, "slice", "batchnorm", True, "dsth", 48)
  measured = {
    key._replace(num_bits=16): {},
    key: {experiments.CLASSIFICATION: 0.9},
  }
  found = {
    (entry.key.dataset, entry.key.backbone): entry.measured
    for entry in _entries("table2", measured)
    if entry.measured is not None
  }
  assert found == {("cifar10", STAND_IN): 0.9}


def test_table_5_has_the_code_length_of_its_column():
  measured = paper_results.methods(["dlbh"], ["oxford105k"], [16, 32])
  context = paper_results.context(stand_ins={"vgg16": STAND_IN})
  entries = _entries("table5", measured, context)[:4]
  assert [entry.key.num_bits for entry in entries] == [16, 32, 16, 32]
  for entry in entries:
    assert entry.measured == measured[entry.key][entry.column]
  assert [e.published for e in entries] == [0.4453, 0.5073, 0.4108, 0.4736]


def test_notes_about_entries_are_beside_them():
  files = tables.render(
    "table4", paper_results.measured(), paper_results.context()
  )
  text = files["table4.md"].decode()
  number = re.search(
    r"^(\d)\. .*: the precision at recall 1 equals", text, re.M
  )[1]
  assert len(re.findall(rf"0\.59855; \S+; note {number}\)", text)) == 1
  published_line = next(
    line
    for line in files["table4.tex"].decode().splitlines()
    if "& published &" in line and "0.59855" in line
  )
  assert rf"0.59855\textsuperscript{{{number}}}" in published_line


@pytest.mark.parametrize("name", tables.NAMES)
def test_latex_is_well_formed(name):
  context = paper_results.context(missing={"stl10": r"50% of {x}_y \ & #1 ~ ^"})
  text = tables.render(name, paper_results.measured(), context)[f"{name}.tex"]
  text = text.decode()
  assert text.isascii()
  stack = []
  for kind, environment in re.findall(r"\\(begin|end)\{(\w+)\}", text):
    if kind == "begin":
      stack.append(environment)
    else:
      assert stack.pop() == environment
  assert stack == []
  for body in re.findall(
    r"\\begin\{tabular\}(.*?)\\end\{tabular\}", text, re.S
  ):
    width = len(re.match(r"\{([lr]+)\}", body)[1])
    for line in body.splitlines()[1:]:
      if line.endswith(r" \\"):
        spans = map(int, re.findall(r"\\multicolumn\{(\d+)\}", line))
        extra = sum(span - 1 for span in spans)
        assert len(re.findall(r"(?<!\\)&", line)) + 1 + extra == width
  bare = re.sub(r"\\[&%$#_{}\\]", "", text)
  assert bare.count("{") == bare.count("}")


def test_latex_escapes_what_it_gives_a_meaning():
  assert latex.escape("a_b & 50% of $1 #2 {x}") == (
    r"a\_b \& 50\% of \$1 \#2 \{x\}"
  )
  assert latex.escape("~^\\") == (
    r"\textasciitilde{}\textasciicircum{}\textbackslash{}"
  )
  assert latex.escape(f"{MINUS}0.1 {DASH} β") == r"$-$0.1 -- $\beta$"
  assert latex.escape("two\nlines") == "two lines"


def test_markdown_escapes_reasons():
  context = paper_results.context(missing={"stl10": "<b>|*"})
  text = tables.render("table4", {}, context)["table4.md"].decode()
  assert r"\<b\>\|\*" in text


def test_files_are_those_that_are_known():
  for name in tables.NAMES:
    assert set(tables.render(name, {}, paper_results.context())) <= set(
      tables.FILES
    )
  assert len(tables.FILES) == 12


def test_what_is_not_a_table_is_refused():
  with pytest.raises(ValueError, match="fig2, but the paper's tables are"):
    tables.render("fig2", {}, paper_results.context())
