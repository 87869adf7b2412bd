import base64
import copy
import io
import pathlib
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from support.pages import Page

from dsth_jax import baselines, codes, report
from dsth_jax.baselines import itq
from dsth_jax.report import (
  descriptions,
  markdown,
  page,
  paragraphs,
  pictures,
  plots,
  styles,
  tables,
)
from dsth_jax.report import warnings as warnings_lib
from dsth_jax.runtime import distributed

HOSTILE = (
  "\"><script>alert('x')</script><img src=x onerror=alert(1)>|`$css`&amp;"
)
NUM_BITS = 48


def metrics(quality, *, of_codes=True):
  """Realistic figures around a mean average precision."""
  spread = 0.006 if of_codes else 0.0
  recall = [round(0.1 * i, 1) for i in range(1, 11)]
  returned = [1, 3, 10, 32, 100, 316, 1000]
  bracketed = {"mean_average_precision": quality}
  bracketed["mean_average_precision_at_1000"] = quality + 0.143
  scores = {"num_queries": 9871, "num_queries_without_relevant": 41}
  for name, value in bracketed.items():
    scores[name] = value
    scores[f"{name}_pessimistic"] = value - spread
    scores[f"{name}_optimistic"] = value + 1.5 * spread
  scores |= {
    "num_database": 49_123,
    "recall_levels": recall,
    "precision_at_recall": [quality * (1.6 - r) + 0.03 for r in recall],
    "returned_images": returned,
    "precision_of_returned": [
      quality + 0.27 - 0.031 * np.log10(n) for n in returned
    ],
    "max_f_beta_0.5": quality + 0.0213,
    "max_f_beta_0.25": quality + 0.0876,
  }
  if of_codes:
    scores["hd3p"] = quality + 0.1345
    scores["hd3p_empty_share"] = 0.1268
    scores["nc3p"] = quality + 0.1121
  return scores


def statistics(distinct):
  return {
    "num_distinct_codes": distinct,
    "num_codes": 58_994,
    "bit_balance": 0.0312,
    "bit_correlation": 0.1187,
  }


def stage(seconds, images_per_second=None, reused=False):
  return {
    "seconds": seconds,
    "reused": reused,
    "images_per_second": images_per_second,
  }


@pytest.fixture
def results():
  """What a run on CIFAR-10 gives, see DESIGN's tables."""
  return {
    "summary": {
      "dataset": "cifar10",
      "protocol": "official",
      "num_images": 58_994,
      "num_queries": 9871,
      "num_database": 49_123,
      "num_training": 48_765,
      "num_bits": NUM_BITS,
      "backbone": "efficientnet_lite0",
      "labels": "diffusion",
      "student": "SimpleNet 32x32, slice head, batchnorm",
    },
    # Not in the order of the report.
    "held_out": {
      "lsh": metrics(0.221),
      "itq": metrics(0.312),
      "student": metrics(0.439),
      "cosine": metrics(0.331, of_codes=False),
    },
    "training": {
      "labels": metrics(0.430),
      "paper_labels": metrics(0.278),
      "student": metrics(0.457),
      "cosine": metrics(0.329, of_codes=False),
    },
    "statistics": {"student": statistics(41_234), "itq": statistics(57_111)},
    "stages": {
      "data": stage(21.3, 2769.0),
      "features": stage(189.1, 312.4, reused=True),
      "graph": stage(34.6),
      "embedding": stage(25.7),
      "labels": stage(4.13),
      "pixels": stage(11.6, 5085.0),
      "training": stage(1098.0, 913.6),
      "codes": stage(6.71, 8792.3),
      "evaluation": stage(64.9),
    },
    "graph": {
      "num_neighbors": 14,
      "symmetrize": "union",
      "recall": 1.0,
      "num_edges": 412_345,
      "num_components": 6,
      "num_isolated": 2,
      "num_edges_added": 5,
    },
    "embedding": {
      "eigenvalues": np.linspace(0.0113, 0.344, NUM_BITS).tolist(),
      "max_residual": 3.26e-5,
      "num_iters": 131,
    },
    "losses": [[20, 0.2513], [400, 0.192], [3900, 0.1374]],
    "skipped": [
      ["cats/torn.jpg", "truncated after 4 of 9 blocks"],
      ["huge.png", "117 megapixels"],
    ],
    "environment": {"jax": "0.10.2", "devices": "2 x cpu"},
  }


@pytest.fixture
def sheet():
  """Two queries, three results each, of several sizes."""
  rng = np.random.default_rng(0)

  def image(height, width):
    return rng.integers(0, 256, (height, width, 3), np.uint8)

  return report.PictureSheet(
    queries=[image(8, 8), image(300, 200)],
    results=[[image(8, 8) for _ in range(3)], [image(40, 90)] * 3],
    distances=[[0, 4, 19], [5, 7, 8]],
    relevant=[[True, False, True], [True, True, False]],
    query_names=["test/a.png", "test/b.png"],
    result_names=[["r0", "r1", "r2"], ["r3", "r4", "r5"]],
  )


def leaves(tree, path=()):
  """Yields the path of every value that is not a list or a dict."""
  if isinstance(tree, dict):
    for key, value in tree.items():
      yield from leaves(value, (*path, key))
  elif isinstance(tree, list):
    for i, value in enumerate(tree):
      yield from leaves(value, (*path, i))
  else:
    yield path


def at(tree, path):
  for key in path:
    tree = tree[key]
  return tree


def change(value):
  if value is None:
    return 71.3
  if isinstance(value, bool):
    return not value
  if isinstance(value, str):
    return f"{value}?"
  # Far enough to show in two digits, and a precision stays one.
  return 2 * value + 5 if isinstance(value, int) else 0.83 * value


def changed(results, path):
  results = copy.deepcopy(results)
  at(results, path[:-1])[path[-1]] = change(at(results, path))
  return results


def is_hidden(path):
  """Tells what a reader can do without."""
  # Only the ends of the spectrum and of the training are told.
  if path[:2] == ("embedding", "eigenvalues"):
    return 0 < path[2] < NUM_BITS - 1
  if path[0] == "losses":
    return path[1] == 1
  return False


def is_like_another(path):
  """Tells what the same lines show as something else that is looked at."""
  in_table = path[0] in ("held_out", "training", "statistics")
  in_curve = in_table and len(path) > 3 and path[3] != 6
  return in_curve or (in_table and path[1] != "student")


@pytest.mark.usefixtures("undrawn")
def test_every_value_of_the_results_is_shown(results, sheet):
  def visible(files):
    return re.sub("<[^>]*>", "", files["index.html"].decode())

  before = report.render(results, sheet)
  for path in leaves(results):
    if is_hidden(path) or is_like_another(path):
      continue
    after = report.render(changed(results, path), sheet)
    assert visible(after) != visible(before), path
    # Both are made from the same tables and sentences.
    if "precision_of_returned" not in path and "returned_images" not in path:
      assert after["report.md"] != before["report.md"], path


@pytest.mark.usefixtures("undrawn")
def test_every_number_of_the_page_comes_from_the_results(results, sheet):
  other = copy.deepcopy(results)
  for path in leaves(results):
    value = at(results, path)
    if not isinstance(value, str | bool | None):
      # Figures below 1 cannot meet figures above 7.
      moved = 2 * value + 5 if isinstance(value, int) else value + 7
      at(other, path[:-1])[path[-1]] = moved
  del other["embedding"]["eigenvalues"][7:]
  other["summary"] |= {"dataset": "photos", "student": "a network"}
  other["environment"], other["skipped"] = {}, []
  other_sheet = sheet._replace(
    distances=[[901, 902, 903], [904, 905, 906]], relevant=None
  )

  def numbers(results, sheet):
    text = Page(report.render(results, sheet)["index.html"].decode()).text
    # Of one and two digits, as in 3 min 20 s, some meet by chance.
    return {n for n in re.findall(r"\d[\d,.]*\d", text) if len(n) > 2}

  # K and the betas stand in the names of metrics; 0.5 is also the worst
  # imbalance of a bit.
  constants = {"1,000", "0.5", "0.25"}
  assert numbers(results, sheet) & numbers(other, other_sheet) <= constants


@pytest.mark.usefixtures("undrawn")
def test_page_loads_nothing(results, sheet):
  text = report.render(results, sheet)["index.html"].decode()
  found = Page(text)
  assert found.addresses()
  assert all(value.startswith("data:") for _, value in found.addresses())
  assert not {"script", "iframe", "object", "embed", "form"} & set(found.tags)
  assert not re.search(r"https?:|url\(|@import", text)


@pytest.mark.usefixtures("undrawn")
def test_names_are_escaped(results, sheet):
  benign = Page(report.render(results, sheet)["index.html"].decode())
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
  files = report.render(
    hostile,
    sheet._replace(query_names=[HOSTILE] * 2, result_names=[[HOSTILE] * 3] * 2),
  )
  found = Page(files["index.html"].decode())
  assert set(found.tags) == set(benign.tags)
  assert {name for _, name, _ in found.attributes} == {
    name for _, name, _ in benign.attributes
  }
  # A path may break after its folders, which splits the text there.
  seen = "".join(found.texts)
  assert seen.count(HOSTILE) > 10
  assert ("img", "alt", f"{HOSTILE}, 0 bits differ, same class") in (
    found.attributes
  )
  text = files["report.md"].decode()
  assert "<" not in text.replace(r"\<", "")
  for row in re.findall(r"^\|.*\n(?=\|)", text, re.MULTILINE):
    assert len(re.findall(r"(?<!\\)\|", row)) >= 3
  assert not re.search(r"(?<!\\)`", text)


def test_files_hold_what_they_promise(results, sheet, tmp_path):
  report.write(tmp_path / "report", results, sheet)
  names = {path.name for path in (tmp_path / "report").iterdir()}
  assert names == {
    "report.md",
    "index.html",
    "precision_recall.png",
    "precision_of_returned.png",
    "results.png",
    "training_loss.png",
  }
  text = (tmp_path / "report" / "report.md").read_text("utf-8")
  for name in names - {"report.md", "index.html"}:
    with Image.open(tmp_path / "report" / name) as picture:
      picture.load()
      assert picture.format == "PNG"
      assert min(picture.size) > 300
    assert f"]({name})" in text
  found = Page((tmp_path / "report" / "index.html").read_text("utf-8"))
  embedded = [
    decoded(value)
    for tag, value in found.addresses()
    if tag in ("img", "source")
  ]
  # Eight pictures; five plots, each light and dark.
  assert len(embedded) == 8 + 2 * 5
  # What is small is there without any loss.
  wanted = [sheet.queries[0], *sheet.results[0]]
  for image, picture in zip(wanted, embedded):
    np.testing.assert_array_equal(np.asarray(picture), image)
  assert embedded[4].size == (107, 160)


def decoded(uri):
  head, content = uri.split(",", 1)
  assert head in ("data:image/png;base64", "data:image/jpeg;base64")
  picture = Image.open(io.BytesIO(base64.b64decode(content, validate=True)))
  picture.load()
  return picture


@pytest.mark.usefixtures("undrawn")
def test_without_class_labels_says_which_metrics_need_them(results, sheet):
  results |= {"held_out": None, "training": None, "losses": []}
  files = report.render(results, sheet._replace(relevant=None))
  assert set(files) == {"results.png", "report.md", "index.html"}
  text = Page(files["index.html"].decode()).text
  for told in (text, files["report.md"].decode()):
    assert "without class labels" in told
    for name in ("Mean average precision", "max F", "HD3P", "NC3P"):
      assert name in told
  assert "\N{CHECK MARK}" not in text
  assert "41,234" in text
  assert "18 min 18 s" in text
  assert files["index.html"].count(b"data:image/") == 8


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("missing", ["held_out", "training"])
def test_one_of_two_tables_may_be_missing(results, sheet, missing):
  full = Page(report.render(results, sheet)["index.html"].decode()).text
  results[missing] = None
  files = report.render(results, sheet)
  text = Page(files["index.html"].decode()).text
  assert plots.SETTINGS[missing] in full
  assert plots.SETTINGS[missing] not in text
  assert "without class labels" not in text
  assert "precision_recall.png" in files


@pytest.mark.usefixtures("undrawn")
def test_without_queries_there_are_no_pictures(results):
  empty = report.PictureSheet([], [], [], None, [], [])
  files = report.render(results, empty)
  assert "results.png" not in files
  assert "not asked for pictures" in files["index.html"].decode()


@pytest.mark.usefixtures("undrawn")
def test_figures_that_were_not_measured_are_dashes(results, sheet):
  results["held_out"]["student"]["hd3p"] = float("nan")
  results["held_out"]["student"]["nc3p"] = None
  results["stages"]["codes"]["images_per_second"] = None
  text = Page(report.render(results, sheet)["index.html"].decode()).text
  assert "nan" not in text.lower().replace("resonance", "")
  assert "None" not in text
  row = tables.quality(results["held_out"]).rows[2]
  assert [cell.text for cell in row.cells[-2:]] == [descriptions.DASH] * 2


@pytest.mark.usefixtures("undrawn")
def test_failed_write_leaves_the_old_report(
  results, sheet, tmp_path, monkeypatch
):
  report.write(tmp_path, results, sheet)
  old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
  results["summary"]["num_bits"] = 16
  write_bytes = pathlib.Path.write_bytes

  def full_disk(path, content):
    if path.name.startswith(".report.md"):
      raise OSError(28, "No space left on device")
    return write_bytes(path, content)

  monkeypatch.setattr(pathlib.Path, "write_bytes", full_disk)
  with pytest.raises(OSError, match="No space left"):
    report.write(tmp_path, results, sheet)
  assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == old
  monkeypatch.undo()
  del results["graph"]
  with pytest.raises(ValueError, match="results lack graph"):
    report.write(tmp_path, results, sheet)
  assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == old


@pytest.mark.usefixtures("undrawn")
def test_new_report_replaces_all_of_the_old_one(results, sheet, tmp_path):
  report.write(tmp_path, results, sheet)
  (tmp_path / "notes.txt").write_text("mine")
  results["losses"] = []
  report.write(tmp_path, results, sheet)
  assert not (tmp_path / "training_loss.png").exists()
  assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.usefixtures("undrawn")
def test_same_results_give_the_same_bytes(results, sheet):
  assert report.render(results, sheet) == report.render(results, sheet)


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


def test_sentence_compares_as_the_figures_do(results):
  text = paragraphs.quality("held_out", results["held_out"])
  assert "Asked with 9,871 images" in text
  assert "rank the 49,123 images of the database" in text
  assert "precision of 0.439, above LSH (0.221), ITQ (0.312) and the" in text
  # 0.439 + 0.27 - 0.062 at 100 images.
  assert "Of the first 100 images returned, 65\N{NO-BREAK SPACE}%" in text
  results["held_out"]["itq"]["mean_average_precision"] = 0.4391
  results["held_out"]["lsh"]["mean_average_precision"] = 0.7
  text = paragraphs.quality("held_out", results["held_out"])
  assert (
    "above the features themselves (0.331), level with ITQ (0.439), below LSH "
    "(0.700)."
  ) in text


def test_sentence_without_the_student_is_about_the_labels(results):
  del results["training"]["student"]
  text = paragraphs.quality("training", results["training"])
  assert "the self-taught labels rank the 49,123 others" in text
  assert "above the labels of the paper's setting (0.278)" in text


def test_speed_compares_only_a_faster_student(results):
  # 8,792.3 / 312.4.
  assert "28 times as fast" in paragraphs.speed(results)
  assert "6 bytes" in paragraphs.speed(results)
  results["stages"]["features"]["images_per_second"] = 1e6
  assert "times as fast" not in paragraphs.speed(results)
  assert "8,792 images a second" in paragraphs.speed(results)


def test_warnings_name_what_happened(results):
  text = " ".join(warnings_lib.cautions(results))
  assert "2 images could not be read" in text
  assert "fell into 6 separate parts; 5 links" in text
  assert "2 images had no neighbour in the graph before" in text
  assert "41 of the 9,871 held-out queries share a class with no" in text


def test_warnings_are_silent_without_a_cause(results):
  results["skipped"] = []
  results["graph"] |= {
    "num_components": 1,
    "num_isolated": 0,
    "num_edges_added": 0,
  }
  for setting in ("held_out", "training"):
    for scores in results[setting].values():
      scores["num_queries_without_relevant"] = 0
  assert warnings_lib.cautions(results) == []
  results["graph"]["num_components"] = 3
  results["graph"]["recall"] = 0.97
  results["statistics"]["student"]["num_distinct_codes"] = 46
  results["statistics"]["student"]["num_constant_bits"] = 4
  results["held_out"]["student"]["hd3p_empty_share"] = 0.8
  text = " ".join(warnings_lib.cautions(results))
  assert "3 separate parts that were not joined" in text
  assert "97\N{NO-BREAK SPACE}% of the true neighbours" in text
  assert "only 46 different codes to 58,994 images" in text
  assert "In 4 bits the student's codes are the same" in text
  assert "For 80\N{NO-BREAK SPACE}% of the held-out queries no code" in text


@pytest.mark.usefixtures("undrawn")
def test_long_lists_of_skipped_images_end(results, sheet):
  results["skipped"] = [[f"torn{i}.png", "truncated"] for i in range(1500)]
  files = report.render(results, sheet)
  limit = page.MOST_SKIPPED
  for text in (files["index.html"].decode(), files["report.md"].decode()):
    assert f"torn{limit - 1}.png" in text
    assert f"torn{limit}.png" not in text
    assert "And 1,450 more" in text


def test_best_of_every_column_is_marked(results):
  table = tables.quality(results["held_out"])
  for i, column in enumerate(table.columns[1:]):
    figures = {row.head.text: row.cells[i].text for row in table.rows}
    best = {row.head.text for row in table.rows if row.cells[i].best}
    figures = {name: text for name, text in figures.items() if text[0] == "0"}
    assert best == {max(figures, key=lambda name: figures[name])}, column


def test_methods_come_in_one_order(results, sheet, monkeypatch):
  seen = []
  monkeypatch.setattr(
    page, "render", lambda results, _: seen.append(results) or ""
  )
  results["held_out"]["spectral"] = results["held_out"]["itq"]
  report.render(results, sheet)
  order = ["student", "itq", "lsh", "cosine", "spectral"]
  assert list(seen[0]["held_out"]) == order
  order = ["student", "labels", "paper_labels", "cosine"]
  assert list(seen[0]["training"]) == order


def test_curves_are_the_figures_in_the_colour_of_their_method(results):
  axes = Figure().subplots()
  held_out = results["held_out"]
  plots._draw(axes, held_out, "recall_levels", "precision_at_recall")
  assert len(axes.lines) == len(held_out)
  named = {descriptions.method(name).name: name for name in held_out}
  for line in axes.lines:
    name = named[line.get_label()]
    scores = held_out[name]
    np.testing.assert_array_equal(line.get_xdata(), scores["recall_levels"])
    np.testing.assert_array_equal(
      line.get_ydata(), scores["precision_at_recall"]
    )
    assert line.get_color() == styles.style(name).color


def test_methods_look_different_even_without_colour():
  # Two names of the student, in a comparison of methods.
  shown = set(descriptions.METHODS) - {"dsth", "dsth_paper"} | {"another"}
  found = [styles.style(name) for name in shown]
  assert len({look.color for look in found}) == len(found)
  assert len({look.marker for look in found}) == len(found)


def test_every_baseline_has_a_look_of_its_own():
  found = [styles.style(name) for name in [*baselines.BASELINES, "cosine"]]
  assert len({look[:2] for look in found}) == len(found)
  for name, method in baselines.BASELINES.items():
    assert (styles.style(name).line == "-.") == method.supervised


@pytest.mark.parametrize(
  ("line", "called"),
  [
    ("Signs of some columns (column hashing, ColH).", "ColH"),
    ("Cubic hashing (CuH): boxes.", "CuH"),
    ("No name in brackets.", "itq_again"),
    # What another baseline is called too.
    ("Projections again (LSH).", "itq_again"),
  ],
)
def test_a_baseline_is_told_by_the_first_line_of_its_file(
  line, called, monkeypatch
):
  monkeypatch.setitem(
    baselines.BASELINES, "itq_again", baselines.Baseline(itq.fit)
  )
  monkeypatch.delitem(baselines.BASELINES, "itq")
  monkeypatch.setattr(itq, "__doc__", f"{line}\n\nMore of it.\n")
  assert descriptions.method("itq_again") == (called, line)
  assert descriptions.method("unknown") == ("unknown", "")


def test_marks_of_right_images_show_without_colour(sheet):
  def gray(relevant):
    content = pictures.sheet_png(sheet._replace(relevant=relevant))
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"), int)

  none = gray([[False] * 3] * 2)
  # The second row differs, and nothing else.
  differing = np.abs(gray([[False] * 3, [True] * 3]) - none) > 40
  half = len(none) // 2
  assert differing[half:].any()
  assert not differing[:half].any()


@pytest.mark.parametrize(
  ("seconds", "text"),
  [
    (0.04, "0.0 s"),
    (9.94, "9.9 s"),
    (9.96, "10 s"),
    (59.6, "1 min 0 s"),
    (200, "3 min 20 s"),
    (3600, "1 h 0 min"),
    (100_000, "27 h 46 min"),
    (None, descriptions.DASH),
  ],
)
def test_durations_have_two_units_at_most(seconds, text):
  assert descriptions.duration(seconds) == text


@pytest.mark.parametrize(
  ("num_bytes", "text"),
  [
    (6, "6 bytes"),
    (999, "999 bytes"),
    (1000, "1.0 kB"),
    (300_000, "300 kB"),
    (2_400_000, "2.4 MB"),
    (5e15, "5,000 TB"),
  ],
)
def test_sizes_have_decimal_units(num_bytes, text):
  assert descriptions.size(int(num_bytes)) == text


def test_shares_are_never_rounded_to_none_or_all():
  space = "\N{NO-BREAK SPACE}"
  shares = [
    descriptions.percent(share) for share in (0, 0.0004, 0.124, 0.9996, 1)
  ]
  wanted = ["0 %", "0.04 %", "12 %", "99.96 %", "100 %"]
  assert shares == [text.replace(" ", space) for text in wanted]


def test_older_names_of_the_f_measures_are_read():
  found = descriptions.betas(
    {"max_f_0.5": 1.0, "max_f_beta_0.25": 1.0, "hd3p": 1.0}
  )
  assert found == {"max_f_0.5": "0.5", "max_f_beta_0.25": "0.25"}


def test_markdown_has_one_cell_a_column(results):
  table = tables.quality(results["held_out"])
  for line in markdown.table(table).splitlines():
    assert line.count("|") == len(table.columns) + 1


@pytest.mark.parametrize(
  ("fields", "message"),
  [
    ({"query_names": ["a"]}, "1 query names for 2 queries"),
    ({"distances": [[1], [2]]}, r"distances have the lengths \[1, 1\]"),
    ({"relevant": [[True] * 3]}, r"relevant have the lengths \[3\]"),
    ({"result_names": []}, "result_names have the lengths"),
    ({"queries": [np.zeros((8, 8, 3))] * 2}, r"float64\[8, 8, 3\], but uint8"),
    ({"queries": [np.zeros((8, 8), np.uint8)] * 2}, r"row 0 .* uint8\[8, 8\]"),
    ({"queries": [np.zeros((0, 8, 3), np.uint8)] * 2}, r"uint8\[0, 8, 3\]"),
  ],
)
def test_sheets_that_do_not_fit_are_refused(results, sheet, fields, message):
  with pytest.raises(ValueError, match=message):
    report.render(results, sheet._replace(**fields))


@pytest.mark.parametrize(
  ("section", "key", "message"),
  [
    (("summary",), "num_bits", r'results\["summary"\] lack num_bits'),
    (("statistics", "itq"), "bit_balance", r'\["itq"\] lack bit_balance'),
    (("stages", "codes"), "reused", r'\["stages"\]\["codes"\] lack reused'),
    ((), "environment", "results lack environment"),
  ],
)
def test_results_without_a_section_are_refused(
  results, sheet, section, key, message
):
  del at(results, section)[key]
  with pytest.raises(ValueError, match=message):
    report.render(results, sheet)


def test_every_template_is_shipped_beside_the_code():
  folder = pathlib.Path(page.__file__).parent / "templates"
  shipped = {p.name for p in folder.iterdir() if p.suffix != ".py"}
  shipped -= {"__pycache__"}
  assert shipped == {
    "comparison.html",
    "document.html",
    "page.html",
    "page.css",
    "line.html",
    "snippet.txt",
  }


@pytest.mark.parametrize(
  ("seconds", "text"),
  [
    (0.00043, "0.00043"),
    (0.0996, "0.1"),
    (0.1784, "0.178"),
    (1.25, "1.2"),
    (43.04, "43.0"),
    (1234.5, "1,234"),
    (None, descriptions.DASH),
  ],
)
def test_seconds_have_the_digits_that_count(seconds, text):
  assert descriptions.seconds(seconds) == text


def test_of_many_processes_the_leader_alone_writes(tmp_path, monkeypatch):
  monkeypatch.setattr(distributed, "is_leader", lambda: False)
  report.write_files(tmp_path / "report", {"a.txt": b"a"}, known=["a.txt"])
  assert not (tmp_path / "report").exists()
