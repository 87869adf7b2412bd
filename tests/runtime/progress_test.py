import logging
import re
import time

import pytest

from dsth_jax.runtime import progress


@pytest.fixture
def lines(monkeypatch, caplog):
  """Shows a line at every step, as if each took 30 seconds."""
  monkeypatch.setattr(progress, "SECONDS", 0.0)
  monkeypatch.setattr(progress._OUTPUT, "is_terminal", lambda: False)
  caplog.set_level(logging.INFO, logger="absl")
  yield caplog
  progress.be_quiet(False)


def test_a_line_has_the_speed_and_the_time_left():
  shown = progress.Progress("features", unit="images", total=4000, done=1000)
  shown.done += 600
  shown.note("loss 0.5")
  assert shown.line(6.0) == (
    "features: 1,600 of 4,000 images, 100 images/s, 24 s left, loss 0.5"
  )


def test_a_line_without_a_total_has_no_time_left():
  shown = progress.Progress("photos.tar", unit="images")
  shown.done += 3
  assert shown.line(2.0) == "photos.tar: 3 images, 1.5 images/s"


def test_counted_passes_batches_on(lines):
  batches = [[1, 2], [3]]
  found = list(progress.counted(batches, total=3, name="codes", unit="images"))
  assert found == batches
  assert [r.getMessage().split(" images")[0] for r in lines.records] == [
    "codes: 2 of 3",
    "codes: 3 of 3",
  ]


def test_lines_are_apart(monkeypatch, lines):
  monkeypatch.setattr(progress, "SECONDS", 60.0)
  with progress.alive("graph"):
    list(progress.counted([[1]] * 9, total=9, name="codes", unit="images"))
  assert not lines.records


def test_work_that_counts_nothing_says_that_it_goes_on(monkeypatch, lines):
  monkeypatch.setattr(progress, "SECONDS", 0.02)
  with progress.alive("graph"):
    time.sleep(0.15)
  assert 2 <= len(lines.records) <= 8
  assert re.fullmatch("graph: at work for 0 s", lines.records[0].getMessage())
  said = len(lines.records)
  time.sleep(0.05)
  assert len(lines.records) == said


def test_quiet_work_says_nothing(lines):
  progress.be_quiet()
  with progress.alive("graph"):
    list(progress.counted([[1]], total=1, name="codes", unit="images"))
    time.sleep(0.02)
  assert not lines.records


@pytest.mark.parametrize(
  ("seconds", "text"),
  [(0.0, "0 s"), (99.4, "99 s"), (120.0, "2 min"), (5999.0, "1 h 40 min")],
)
def test_durations(seconds, text):
  assert progress.duration(seconds) == text
