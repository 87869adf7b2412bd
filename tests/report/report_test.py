import base64
import copy
import io
import pathlib
import re

import numpy as np
import pytest
from PIL import Image
from support.pages import Page
from support.run_results import NUM_BITS, at, leaves

from dsth_jax import report
from dsth_jax.report import paragraphs, tables
from dsth_jax.runtime import distributed


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
  """Tells what a report leaves out."""
  # A maximum over the whole curve, of which the curve itself is shown.
  if "max_f_all_levels" in str(path[-1]):
    return True
  # Only the ends of the spectrum and of the training are shown.
  if path[:2] == ("embedding", "eigenvalues"):
    return 0 < path[2] < NUM_BITS - 1
  if path[0] == "losses":
    return path[1] == 1
  return False


def is_like_another(path):
  """Tells what the same lines of code show as a value that is tested."""
  in_table = path[0] in ("held_out", "training", "statistics")
  in_curve = in_table and len(path) > 3 and path[3] != 6
  return in_curve or (in_table and path[1] != "dsth")


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
    if "precision_of_returned" not in path and "returned_images" not in path:
      assert after["report.md"] != before["report.md"], path


@pytest.mark.usefixtures("undrawn")
def test_every_number_of_the_page_comes_from_the_results(results, sheet):
  other = copy.deepcopy(results)
  for path in leaves(results):
    value = at(results, path)
    if not isinstance(value, str | bool | None):
      # Figures below 1 cannot meet figures above 7.
      moved = 2 * value + 5 if isinstance(value, int) else 4 * value + 7
      at(other, path[:-1])[path[-1]] = moved
  del other["embedding"]["eigenvalues"][7:]
  other["summary"] |= {"dataset": "photos", "network": "a network"}
  other["environment"], other["skipped"] = {}, []
  other_sheet = sheet._replace(
    distances=[[901, 902, 903], [904, 905, 906]], relevant=None
  )

  def numbers(results, sheet):
    text = Page(report.render(results, sheet)["index.html"].decode()).text
    # Shorter numbers meet by chance.
    return {n for n in re.findall(r"\d[\d,.]*\d", text) if len(n) > 2}

  # K, N and the betas stand in the names of metrics; 0.5 is also the largest
  # imbalance of a bit. The others are the levels of the maximum F-measure.
  constants = {"1,000", "0.5", "0.25", "0.1", "0.2", "0.4", "0.6", "0.8"}
  assert len(numbers(results, sheet)) > 100
  assert numbers(results, sheet) & numbers(other, other_sheet) <= constants


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
  # Small pictures are embedded without loss.
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
    assert "These images have no class labels" in told
    for name in ("Mean average precision", "max F", "HD3P", "NC3P"):
      assert name in told
  assert "\N{CHECK MARK}" not in text
  assert "41,234" in text
  assert "18.3 minutes" in text
  assert files["index.html"].count(b"data:image/") == 8


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("missing", ["held_out", "training"])
def test_one_of_two_tables_may_be_missing(results, sheet, missing):
  full = Page(report.render(results, sheet)["index.html"].decode()).text
  results[missing] = None
  files = report.render(results, sheet)
  text = Page(files["index.html"].decode()).text
  for setting, title in paragraphs.SETTINGS.items():
    assert title in full
    assert (title in text) == (setting != missing)
  assert "no class labels" not in text
  assert "precision_recall.png" in files


@pytest.mark.usefixtures("undrawn")
def test_without_queries_there_are_no_pictures(results):
  empty = report.PictureSheet([], [], [], None, [], [])
  files = report.render(results, empty)
  assert "results.png" not in files
  assert "There are no pictures" in files["index.html"].decode()


@pytest.mark.usefixtures("undrawn")
def test_order_of_the_methods_changes_nothing(results, sheet):
  backwards = copy.deepcopy(results)
  for part in ("held_out", "training", "statistics"):
    backwards[part] = dict(reversed(results[part].items()))
  assert report.render(backwards, sheet) == report.render(results, sheet)


@pytest.mark.usefixtures("undrawn")
def test_long_lists_of_skipped_images_end(results, sheet):
  results["skipped"] = [[f"torn{i}.png", "truncated"] for i in range(1500)]
  files = report.render(results, sheet)
  limit = tables.MOST_SKIPPED
  for text in (files["index.html"].decode(), files["report.md"].decode()):
    assert f"torn{limit - 1}.png" in text
    assert f"torn{limit}.png" not in text
    assert "And 1,450 more" in text


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
  assert (tmp_path / "training_loss.png").exists()
  (tmp_path / "notes.txt").write_text("mine")
  results["losses"] = []
  report.write(tmp_path, results, sheet)
  assert not (tmp_path / "training_loss.png").exists()
  assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("is_leader", [True, False])
def test_only_the_leader_writes(tmp_path, monkeypatch, is_leader):
  monkeypatch.setattr(distributed, "is_leader", lambda: is_leader)
  report.write_files(tmp_path / "report", {"a.txt": b"a"}, known=["a.txt"])
  assert (tmp_path / "report" / "a.txt").exists() == is_leader
