import pytest

from dsth_jax.report import columns, formatting, markdown, tables


def test_top_of_every_column_is_marked(results):
  table = tables.quality(results["held_out"])
  for i, column in enumerate(table.columns[1:]):
    figures = {
      row.method: float(row.cells[i].text)
      for row in table.rows
      if row.cells[i].text != formatting.DASH
    }
    top = {row.method for row in table.rows if row.cells[i].top}
    assert top == {max(figures, key=figures.__getitem__)}, column


def test_unranked_methods_are_never_top(results):
  table = tables.quality(results["held_out"], unranked=("dsth",))
  top = {row.method for row in table.rows for c in row.cells[:4] if c.top}
  assert top == {"cosine"}


def test_figures_that_are_equal_as_shown_are_all_top(results):
  held_out = results["held_out"]
  for name, value in (("itq", 0.4391), ("lsh", 0.4388)):
    held_out[name]["mean_average_precision"] = value
  table = tables.quality(held_out)
  top = [row.method for row in table.rows if row.cells[0].top]
  assert top == ["lsh", "itq", "dsth"]


def test_spreads_take_the_place_of_bounds(results):
  held_out = results["held_out"]
  table = tables.quality(held_out, spreads={"itq": {"hd3p": 0.0123}})
  notes = {
    (row.method, column): cell.note
    for row in table.rows
    for column, cell in zip(table.columns[1:], row.cells)
    if cell.note
  }
  assert notes == {("itq", "HD3P"): "±\N{NO-BREAK SPACE}0.012"}


def test_the_publishers_map_is_a_column_where_it_was_measured(results):
  held_out = results["held_out"]
  assert "mAP, trapezium" not in tables.quality(held_out).columns
  for scores in held_out.values():
    scores |= {
      "map_trapezium": 0.3124,
      "map_trapezium_pessimistic": 0.2511,
      "map_trapezium_optimistic": 0.4009,
    }
  table = tables.quality(held_out)
  place = table.columns.index("mAP, trapezium") - 1
  for row in table.rows:
    assert row.cells[place].text == "0.312"
    assert row.cells[place].note == f"0.251{formatting.DASH}0.401"
  explained = columns.explanations(held_out["dsth"])
  assert set(table.columns[1:]) <= explained.keys()
  assert "list" in explained["Relevant"]


def test_stages_have_their_names_and_sum(results):
  results["stages"] = {
    "hash_function": {
      "seconds": 1.5,
      "reused": True,
      "images_per_second": None,
    },
    "my_stage": {"seconds": 2, "reused": False, "images_per_second": 12.0},
  }
  shown = [
    (row.head.text, row.cells[0].text, row.cells[0].note, row.cells[1].text)
    for row in tables.stages(results).rows
  ]
  assert shown == [
    ("Hash function", "1.5 seconds", "from an earlier run", formatting.DASH),
    ("my_stage", "2 seconds", "", "12"),
    ("All", "3.5 seconds", "", ""),
  ]


@pytest.mark.parametrize("losses", [[], [[20, float("nan")]]])
def test_details_of_a_run_without_losses(results, losses):
  results["losses"] = losses
  found = {r.head.text: r.cells[0].text for r in tables.details(results).rows}
  assert found["Training loss"] == formatting.DASH


def test_markdown_has_one_cell_per_column(results):
  table = tables.quality(results["held_out"])
  lines = markdown.table(table).splitlines()
  assert len(lines) == len(table.rows) + 2
  for line in lines:
    assert line.count("|") == len(table.columns) + 1
