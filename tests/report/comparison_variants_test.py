"""The report of a comparison of variants."""

import pytest
from support import comparison_results

from dsth_jax.report import comparison, styles
from dsth_jax.report.comparison import plots, tables
from dsth_jax.report.comparison import results as results_lib

# The pictures have tests of their own.
pytestmark = pytest.mark.usefixtures("undrawn")


def _variants(ceilings=(0.9, 0.8)):
  """Two variants with other features; the second has a single method."""
  single = comparison_results.results()
  about = single["summary"].pop("methods")
  methods = single["methods"]
  itq = {"16": methods["itq"]["16"]}
  found = {
    "first": ({"model.head": "mlp"}, "pixels", methods),
    "<second>": ({}, "alexnet", {"itq": itq}),
  }
  return {
    "summary": single["summary"],
    "variants": {
      name: {
        "settings": settings,
        "backbone": backbone,
        "ceiling": comparison_results.metrics(ceiling) if ceiling else {},
        "about": about,
        "methods": measured,
      }
      for (name, (settings, backbone, measured)), ceiling in zip(
        found.items(), ceilings
      )
    },
    "failed": [{"variant": "first", **cell} for cell in single["failed"]],
    "environment": {},
  }


def test_each_method_of_a_variant_is_a_method():
  given = _variants()
  found = results_lib.flat(given)
  first = given["variants"]["first"]["methods"]
  assert list(found["methods"]) == [
    "first, DSTH",
    "first, ITQ",
    "first, taught",
    "<second>",
  ]
  assert found["methods"]["first, DSTH"] == first["dsth"]
  second = found["methods"]["<second>"]
  assert second["16"] == first["itq"]["16"]
  assert second["32"] == {"seeds": [], "mean": {}, "spread": {}}
  assert found["failed"][0]["method"] == "first, taught"
  about = found["summary"]["methods"]["first, taught"]
  assert about["learned_from"] == ["features", "class labels"]
  assert found["summary"]["backbone"] == "pixels or alexnet"


def test_ceilings_are_told_apart():
  found = results_lib.flat(_variants())
  assert tables.ceilings(found) == {
    "pixels, cosine": comparison_results.metrics(0.9),
    "alexnet, cosine": comparison_results.metrics(0.8),
  }
  assert found["ceiling"]["num_queries"] is None
  assert found["ceiling"]["returned_images"] == [1, 100]


def test_equal_ceilings_are_one():
  found = results_lib.flat(_variants((0.9, 0.9)))
  only = comparison_results.metrics(0.9)
  assert tables.ceilings(found) == {"cosine": only}
  assert found["ceiling"] == only


def test_the_report_shows_every_variant():
  files = comparison.render(_variants())
  text = files["comparison.md"].decode()
  assert "4 variants with codes of" in text
  assert "first, taught failed at 32 bits with seed 1: It is late." in text
  assert "model.head=mlp." in text
  page = files["index.html"].decode()
  assert "&lt;second&gt;" in page
  assert "<second>" not in page
  table = tables.quality(results_lib.flat(_variants()), 16)
  heads = [row.head.text for row in table.rows]
  assert heads[:2] == ["pixels, cosine", "alexnet, cosine"]
  # The features are no codes, and are never marked as top.
  assert not any(cell.top for row in table.rows[:2] for cell in row.cells)


def test_a_report_without_any_figures_says_so():
  given = _variants((None, None))
  for variant in given["variants"].values():
    for by_bits in variant["methods"].values():
      for found in by_bits.values():
        found.update(seeds=[], mean={}, spread={})
  text = comparison.render(given)["comparison.md"].decode()
  assert "No method could be measured at 16 bits." in text


def test_unknown_names_differ_where_they_are_shown_together():
  shown = ["itq", *(f"variant {n}" for n in range(16))]
  found = [styles.style(name, shown)[:2] for name in shown[1:]]
  assert len(set(found)) == len(found)
  assert styles.style("itq", shown) == styles.style("itq")


def test_plots_by_length_have_every_variant_and_ceiling():
  found = results_lib.flat(_variants())
  figure = plots.by_length(found, plots.qualities(found))
  lines = {
    container.get_label(): container.lines[0]
    for container in figure.axes[0].containers
  }
  assert set(lines) == {*tables.ceilings(found), *found["methods"]}
  for name, ceiling in tables.ceilings(found).items():
    height = ceiling["mean_average_precision"]
    assert lines[name].get_ydata().tolist() == [height, height]
  shown = [
    (line.get_color(), line.get_marker())
    for name, line in lines.items()
    if name in found["methods"]
  ]
  assert len(set(shown)) == len(shown)
