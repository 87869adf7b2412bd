import pytest
from support.pages import Page, shown_rows
from support.run_results import HOSTILE

from dsth_jax.comparison import summary
from dsth_jax.report import comparison
from dsth_jax.report.comparison import markdown, page, paragraphs, plots, tables

pytestmark = pytest.mark.usefixtures("undrawn")


def test_files_are_those_that_are_promised(compared):
  assert set(comparison.render(compared)) == set(comparison.FILES)


def test_page_loads_nothing_and_has_the_tables(compared):
  found = Page(page.render(compared))
  assert found.addresses()
  assert found.loads_nothing()
  for num_bits in (16, 32):
    quality = tables.quality(compared, num_bits)
    statistics = tables.statistics(compared, num_bits)
    for row in (*shown_rows(quality), *shown_rows(statistics)):
      assert row in found.rows
  assert "taught failed at 32 bits with seed 1: It is late." in found.text
  # Of each length two curves, and five metrics by length; light and dark.
  assert sum(tag in ("img", "source") for tag, _ in found.addresses()) == 18


def test_names_are_escaped(compared):
  benign = Page(page.render(compared))
  compared["summary"]["dataset"] = compared["failed"][0]["error"] = HOSTILE
  compared["environment"][HOSTILE] = HOSTILE
  for methods in (compared["methods"], compared["summary"]["methods"]):
    methods[HOSTILE] = methods.pop("itq")
  found = Page(page.render(compared))
  assert set(found.tags) == set(benign.tags)
  assert "".join(found.texts).count(HOSTILE) > 5
  text = markdown.render(compared)
  assert "<" not in text.replace(r"\<", "")
  assert "It is late" not in text


def test_markdown_has_the_tables_and_names_the_pictures(compared):
  text = markdown.render(compared)
  assert "| DSTH (images, features) | 0.521 (± 0.007) |" in text
  for name, _ in plots.files(compared):
    assert f"]({name})" in text


def test_leaders_with_and_without_class_labels_stand_apart(compared):
  text = paragraphs.length(compared, 16)
  space = "\N{NO-BREAK SPACE}"
  assert f": without class labels, DSTH with 0.521 ±{space}0.007; " in text
  assert f"; with class labels, taught with 0.721 ±{space}0.007." in text
  assert "by cosine, have 0.900" in text


def test_a_length_at_which_all_failed_has_no_leader(compared):
  for by_bits in compared["methods"].values():
    by_bits["32"] = summary.over_seeds([])
  assert "No method could be measured at 32 bits" in paragraphs.length(
    compared, 32
  )
  assert "32 bits" not in str(paragraphs.key_figures(compared))
  assert len(comparison.render(compared)) == len(comparison.FILES)
  assert "0 of 2 seeds" in Page(page.render(compared)).text


def test_failures_are_listed_once_with_their_seeds(compared):
  compared["failed"].append({**compared["failed"][0], "seed": 0})
  found = paragraphs.warnings(compared)
  assert found[0] == "taught failed at 32 bits with seeds 1 and 0: It is late."
  assert "take 3 or more" in found[1]
  compared["summary"]["seeds"] = [0, 1, 2]
  assert paragraphs.warnings(compared) == found[:1]
