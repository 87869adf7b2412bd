"""What a comparison shows of its figures."""

import io
import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from support.pages import Page

from dsth_jax.baselines import BASELINES, Baseline, lsh
from dsth_jax.comparison import summary
from dsth_jax.report import descriptions, styles
from dsth_jax.report.comparison import markdown, page, paragraphs, plots, tables

HOSTILE = "\"><script>alert('x')</script>|`$css`&amp;"


def _outcome(method, num_bits, seed, quality, error=None):
  """A cell whose figures follow from one number."""
  head = {"method": method, "num_bits": num_bits, "seed": seed, "error": error}
  if error:
    return head
  quality += 0.01 * seed
  return head | {
    "metrics": _metrics(quality) | {"hd3p": quality / 2, "nc3p": quality + 0.1},
    "statistics": {
      "num_distinct_codes": 700 + 2 * seed,
      "num_codes": 1497,
      "bit_balance": 0.07,
      "bit_correlation": 0.13,
    },
    "fit_seconds": 2.0 + seed,
    "encode_seconds": 0.004,
  }


def _metrics(quality):
  scores = {"num_queries": 300, "num_database": 1497}
  for name in ("mean_average_precision", "mean_average_precision_at_1000"):
    scores |= {name: quality, f"{name}_pessimistic": quality - 0.1}
    scores[f"{name}_optimistic"] = quality + 0.1
  return scores | {
    "recall_levels": [0.5, 1.0],
    "precision_at_recall": [quality, quality / 2],
    "returned_images": [1, 100],
    "precision_of_returned": [quality + 0.05, quality],
    "max_f_beta_0.5": quality,
    "max_f_beta_0.25": quality,
  }


@pytest.fixture
def results(monkeypatch):
  """Two seeds, of which one of "taught" failed at 32 bits."""
  monkeypatch.setitem(BASELINES, "taught", Baseline(lsh.fit, supervised=True))
  quality = {"dsth": 0.5, "itq": 0.3, "taught": 0.7}
  outcomes = {
    method: {
      str(num_bits): summary.over_seeds(
        [
          _outcome(method, num_bits, seed, score + num_bits / 1000)
          for seed in (0, 1)
          if (method, num_bits, seed) != ("taught", 32, 1)
        ]
      )
      for num_bits in (16, 32)
    }
    for method, score in quality.items()
  }
  return {
    "summary": {
      "dataset": "digits",
      "protocol": "holdout",
      "num_images": 1797,
      "num_queries": 300,
      "num_database": 1497,
      "num_training": 1497,
      "backbone": "pixels",
      "num_bits": [16, 32],
      "seeds": [0, 1],
    },
    "ceiling": _metrics(0.9),
    "methods": outcomes,
    "failed": [
      {"method": "taught", "num_bits": 32, "seed": 1, "error": "It is late."}
    ],
    "environment": {"jax": "0.10.2"},
  }


def test_the_ceiling_is_on_top_and_never_best(results):
  table = tables.quality(results, 16)
  assert [row.method for row in table.rows] == [
    *("cosine", "dsth", "itq", "taught")
  ]
  assert not any(cell.best for cell in table.rows[0].cells)
  best = [row.method for row in table.rows if row.cells[0].best]
  assert best == ["taught"]


def test_a_row_holds_means_and_spreads(results):
  table = tables.quality(results, 16)
  row = dict(zip(table.columns[1:], table.rows[1].cells))
  assert table.columns[0] == "Method"
  # 0.516 and 0.526; 2 and 3 seconds.
  assert row["mAP"][:2] == ("0.521", "±\N{NO-BREAK SPACE}0.007")
  assert row["HD3P"][:2] == ("0.261", "±\N{NO-BREAK SPACE}0.004")
  assert row["Fit, s"][:2] == ("2.5", "±\N{NO-BREAK SPACE}0.707")
  assert row["Encode, s"][:2] == ("0.004", "±\N{NO-BREAK SPACE}0")
  for cell in table.rows[0].cells[-4:]:
    assert cell.text == descriptions.DASH


def test_the_use_of_the_bits_is_the_mean_over_the_seeds(results):
  rows = tables.statistics(results, 16).rows
  assert [row.method for row in rows] == ["dsth", "itq", "taught"]
  texts = [cell.text for cell in rows[0].cells]
  assert texts == ["701", "0.070", "0.130"]


def test_a_row_says_what_a_method_learned_from_and_which_seeds(results):
  notes = {
    row.method: row.head.note for row in tables.quality(results, 32).rows
  }
  assert notes == {
    "cosine": "features",
    "dsth": "images, features",
    "itq": "features",
    "taught": "features, class labels; 1 of 2 seeds",
  }


def test_leaders_with_and_without_class_labels_stand_apart(results):
  text = paragraphs.length(results, 16)
  space = "\N{NO-BREAK SPACE}"
  assert f": without class labels, DSTH with 0.521 ±{space}0.007; " in text
  assert f"; with class labels, taught with 0.721 ±{space}0.007." in text
  assert "by cosine, have 0.900" in text


@pytest.mark.usefixtures("undrawn")
def test_a_length_at_which_all_failed_has_no_leader(results):
  for by_bits in results["methods"].values():
    by_bits["32"] = summary.over_seeds([])
  assert "No method could be measured at 32 bits" in paragraphs.length(
    results, 32
  )
  assert "32 bits" not in str(paragraphs.key_figures(results))
  files = dict(plots.files(results))
  assert len(files) == 3
  text = Page(page.render(results)).text
  assert "0 of 2 seeds" in text


def test_times_that_are_unknown_are_left_out_of_the_mean():
  cells = [_outcome("dsth", 16, seed, 0.5) for seed in (0, 1, 2)]
  cells[1]["fit_seconds"] = None
  found = summary.over_seeds(cells)
  assert found["mean"]["fit_seconds"] == np.mean([2.0, 4.0])
  assert found["spread"]["fit_seconds"] == np.std([2.0, 4.0], ddof=1)
  assert found["mean"]["num_queries"] == 300
  assert isinstance(found["mean"]["num_queries"], int)


@pytest.mark.usefixtures("undrawn")
def test_page_loads_nothing_and_shows_every_figure(results):
  text = page.render(results)
  found = Page(text)
  assert found.addresses()
  assert all(value.startswith("data:") for _, value in found.addresses())
  assert not {"script", "iframe", "object", "embed", "form"} & set(found.tags)
  for num_bits in (16, 32):
    shown = (
      *tables.quality(results, num_bits).rows,
      *tables.statistics(results, num_bits).rows,
    )
    for row in shown:
      for cell in (row.head, *row.cells):
        assert cell.text in found.text
        assert " ".join(cell.note.split()) in found.text
  assert "taught failed at 32 bits with seed 1: It is late." in found.text
  # Of each length two curves, and four metrics by length; light and dark.
  assert sum(tag in ("img", "source") for tag, _ in found.addresses()) == 16


@pytest.mark.usefixtures("undrawn")
def test_names_are_escaped(results):
  benign = Page(page.render(results))
  results["summary"]["dataset"] = results["failed"][0]["error"] = HOSTILE
  results["environment"][HOSTILE] = HOSTILE
  results["methods"][HOSTILE] = results["methods"].pop("itq")
  found = Page(page.render(results))
  assert set(found.tags) == set(benign.tags)
  assert "".join(found.texts).count(HOSTILE) > 5
  text = markdown.render(results)
  assert "<" not in text.replace(r"\<", "")
  assert "It is late" not in text


@pytest.mark.usefixtures("undrawn")
def test_markdown_has_the_tables_and_names_the_pictures(results):
  text = markdown.render(results)
  assert "| DSTH (images, features) | 0.521 (± 0.007) |" in text
  for name, _ in plots.files(results):
    assert f"]({name})" in text


def test_pictures_are_png(results):
  for name, content in plots.files(results):
    with Image.open(io.BytesIO(content)) as picture:
      picture.load()
      assert picture.format == "PNG", name
      assert picture.width > 2 * picture.height


def test_curves_by_length_are_the_figures(results):
  axes = Figure().subplots()
  by_bits = results["methods"]["itq"]
  plots._draw(axes, by_bits, "nc3p", "itq")
  line, _, (bars,) = axes.containers[0]
  assert line.get_xdata().tolist() == [16, 32]
  means = [by_bits[bits]["mean"]["nc3p"] for bits in ("16", "32")]
  np.testing.assert_array_equal(line.get_ydata(), means)
  assert line.get_color() == styles.style("itq").color
  reach = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
  spreads = [by_bits[bits]["spread"]["nc3p"] for bits in ("16", "32")]
  np.testing.assert_allclose(reach, spreads)


def test_results_are_json(results):
  assert json.loads(json.dumps(results)) == results
