from dsth_jax.report import formatting
from dsth_jax.report.comparison import tables


def test_the_ceiling_is_the_first_row_and_never_top(compared):
  table = tables.quality(compared, 16)
  assert [row.method for row in table.rows] == [
    *("cosine", "dsth", "itq", "taught")
  ]
  assert not any(cell.top for cell in table.rows[0].cells)
  top = [row.method for row in table.rows if row.cells[0].top]
  assert top == ["taught"]


def test_a_row_has_means_and_spreads(compared):
  table = tables.quality(compared, 16)
  row = dict(zip(table.columns[1:], table.rows[1].cells))
  assert table.columns[0] == "Method"
  # 0.516 and 0.526; 2 and 3 seconds.
  assert row["mAP"][:2] == ("0.521", "±\N{NO-BREAK SPACE}0.007")
  assert row["HD3P"][:2] == ("0.261", "±\N{NO-BREAK SPACE}0.004")
  assert row["Fit, s"][:2] == ("2.5", "±\N{NO-BREAK SPACE}0.707")
  assert row["Encode, s"][:2] == ("0.004", "±\N{NO-BREAK SPACE}0")
  for cell in table.rows[0].cells[-4:]:
    assert cell.text == formatting.DASH


def test_code_statistics_are_means_over_the_seeds(compared):
  rows = tables.statistics(compared, 16).rows
  assert [row.method for row in rows] == ["dsth", "itq", "taught"]
  texts = [cell.text for cell in rows[0].cells]
  assert texts == ["701", "0.070", "0.130"]


def test_a_row_says_what_a_method_learned_from_and_which_seeds(compared):
  notes = {
    row.method: row.head.note for row in tables.quality(compared, 32).rows
  }
  assert notes == {
    "cosine": "features",
    "dsth": "images, features",
    "itq": "features",
    "taught": "features, class labels; 1 of 2 seeds",
  }


def test_a_row_says_what_makes_the_codes_and_how_many_labels_it_saw(compared):
  table = tables.quality(compared, 16)
  found = {
    row.method: [
      cell.text
      for name, cell in zip(table.columns[1:], row.cells, strict=True)
      if name in ("Kind", "Labels seen")
    ]
    for row in table.rows
  }
  assert found == {
    "cosine": [formatting.DASH, formatting.DASH],
    "dsth": ["SimpleNet", "0"],
    "itq": ["features", "0"],
    "taught": ["head on features", "1,497"],
  }
