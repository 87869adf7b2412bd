"""The published figures, checked by sums that were taken from the paper.

The sums were added up in the text of the paper, not from these files.
"""

import csv
import importlib.resources
import math
import pathlib

import pytest

from dsth_jax.paper import experiments, published
from dsth_jax.paper.results import Key

# Of each row and of each column of figures, in the order of the paper.
ROW_SUMS = {
  "table2": [2.62860, 2.25610, 2.10740, 1.77630, 0, 0, 0.52160],
  "table3": [
    *(5.61226, 5.62968, 5.57744, 5.58606, 5.86108, 5.81769, 5.92525, 5.81174),
    *(3.51786, 3.75852, 3.75168, 3.55941, 4.22304, 4.24038, 4.58234, 4.14639),
    *(2.62790, 0.82754, 2.59437, 0.82754, 2.08152, 0.82754, 2.71853, 0.82754),
    *(2.17703, 0.82754, 2.82530, 0.82754, 1.75953, 0.82754, 3.08065, 0.82754),
  ],
  "table4": [5.92525, 5.68580, 4.58234, 5.21386],
  "table5": [
    *(1.83700, 1.36970, 1.56650, 2.10010, 2.25230, 2.26280),
    *(1.44970, 1.24500, 1.27810, 1.50870, 1.56600, 1.57080),
    *(1.38330, 1.22420, 1.41400, 1.51000, 1.67350, 1.70700),
  ],
}
COLUMN_SUMS = {
  "table2": [3.07480, 3.09850, 3.11670],
  "table3": [
    *(17.11370, 15.42323, 13.29626, 11.70709, 10.51303, 9.62642),
    *(12.53114, 13.87510),
  ],
  "table4": [
    *(3.63263, 3.36778, 2.80175, 2.37476, 2.06264, 1.89918),
    *(2.43317, 2.83534),
  ],
  "table5": [7.36160, 8.31600, 6.12520, 7.11590],
}
# Digits after the point.
DIGITS = {"table2": 4, "table3": 5, "table4": 5, "table5": 4}


def _printed(name):
  """Returns the figures of a file, as texts, row by row."""
  folder = importlib.resources.files("dsth_jax.paper") / "published"
  lines = list(csv.reader((folder / f"{name}.csv").read_text().splitlines()))
  width = len(COLUMN_SUMS[name])
  return [line[-width:] for line in lines[1:]]


@pytest.mark.parametrize("name", ROW_SUMS)
def test_figures_add_up_as_in_the_paper(name):
  rows = [[float(text or 0) for text in row] for row in _printed(name)]
  sums = [math.fsum(row) for row in rows]
  assert sums == pytest.approx(ROW_SUMS[name], abs=1e-9)
  sums = [math.fsum(column) for column in zip(*rows)]
  assert sums == pytest.approx(COLUMN_SUMS[name], abs=1e-9)


@pytest.mark.parametrize("name", DIGITS)
def test_figures_have_the_digits_of_the_paper(name):
  for row in _printed(name):
    for text in filter(None, row):
      assert len(text.partition(".")[2]) == DIGITS[name], text


@pytest.mark.parametrize(
  ("name", "size"), [("table2", 13), ("table3", 32), ("table4", 4)]
)
def test_every_row_has_its_own_cell(name, size):
  assert len(published.table(name)) == size


@pytest.mark.parametrize("name", ROW_SUMS)
def test_the_experiments_measure_what_is_published(name):
  assert set(experiments.cells(name)) == set(published.table(name))


def test_table_5_has_a_cell_for_each_method_and_length():
  cells = published.table("table5")
  assert len(cells) == 3 * 6 * 2
  key = Key("holidays1m", "vgg16", "slice", "batchnorm", False, "dsth", 32)
  assert cells[key] == {"mean_average_precision": 0.4588, "hd3p": 0.3816}
  key = Key("oxford105k", "vgg16", "", "", False, "supervised_ssdh", 16)
  assert cells[key] == {"mean_average_precision": 0.5811, "hd3p": 0.4820}


def test_table_2_leaves_out_what_is_not_published():
  cells = published.table("table2")
  known = [key.backbone for key in cells if key.dataset == "flickr_logos32"]
  assert known == ["simplenet"]
  assert not {"oxford5k", "holidays"} & {key.dataset for key in cells}


def test_rows_without_labels_are_those_of_table_3():
  rows = published.table("table4")
  for key, metrics in rows.items():
    assert (published.table("table3").get(key) == metrics) != key.labels


def test_a_table_without_figures_is_refused():
  with pytest.raises(ValueError, match=r"table1.* in table2, table3, table4"):
    published.table("table1")


def test_tables_cannot_be_changed():
  with pytest.raises(TypeError):
    published.table("table3")[None] = {}


def test_oddities_about_entries_find_them():
  key = Key("cifar10", "googlenet", "slice", "batchnorm", False, "dsth", 48)
  for name in ("table3", "table4"):
    found = published.oddities(name)
    assert [o.concerns(key, "1.0") for o in found].count(True) == 1
    assert not any(o.concerns(key, "0.8") for o in found)
  sigmoid = key._replace(dataset="cifar100_fine", activation="sigmoid")
  assert any(
    o.concerns(sigmoid, "0.4") and "0.1" in o.text
    for o in published.oddities("table3")
  )


@pytest.mark.parametrize(
  "experiment",
  [
    *("table2", "table3", "table4", "table5"),
    *(f"fig{number}" for number in range(2, 9)),
  ],
)
def test_every_oddity_says_what_is_done_here(experiment):
  found = published.oddities(experiment)
  assert found
  for oddity in found:
    assert oddity.text.endswith(".")
    assert oddity.here.endswith(".")


def test_every_oddity_about_entries_concerns_some():
  for name in ("table3", "table4"):
    columns = ["0.1", "1.0", "max_f_beta_0.5"]
    for oddity in published.oddities(name):
      assert not oddity.where or any(
        oddity.concerns(key, column)
        for key in published.table(name)
        for column in columns
      )


def test_the_page_has_every_oddity():
  page = pathlib.Path(__file__).parents[2] / "docs" / "paper.md"
  text = page.read_text(encoding="utf-8")
  experiments = [*ROW_SUMS, *(f"fig{number}" for number in range(2, 9))]
  for experiment in experiments:
    for oddity in published.oddities(experiment):
      assert f"| {oddity.text} | {oddity.here} |" in text
