"""When a training writes a checkpoint, and when it stops."""

import functools

import numpy as np
import pytest

from dsth_jax.pipeline.checkpoint_pace import CheckpointPace, Decision
from dsth_jax.runtime import distributed, stopping


class _Clock:
  def __init__(self):
    self.time = 0.0

  def __call__(self):
    return self.time


def _steps(clock, seconds_a_step, seconds_a_checkpoint, num_steps, every):
  """Returns the times at which checkpoints were begun."""
  pace, begun = CheckpointPace(every, clock), []
  for _ in range(num_steps):
    clock.time += seconds_a_step
    if pace.decide().saves:
      begun.append(clock.time)
      clock.time += seconds_a_checkpoint
      pace.saved(begun[-1])
  return begun


@pytest.mark.parametrize("seconds_a_step", [0.25, 16.0])
def test_checkpoints_come_by_time_whatever_a_step_takes(seconds_a_step):
  num_steps = int(640 / seconds_a_step)
  begun = _steps(_Clock(), seconds_a_step, 0.0, num_steps, every=60.0)
  assert begun[0] >= 60
  apart = np.diff([0.0, *begun])
  assert np.all((apart >= 60) & (apart < 60 + seconds_a_step))


def test_at_most_two_percent_of_the_time_is_spent_on_them():
  clock = _Clock()
  begun = _steps(clock, 1.0, 5.0, 5000, every=60.0)
  assert len(begun) > 5
  assert 5.0 * len(begun) < 0.02 * clock.time


def test_none_at_all_and_one_after_every_step():
  assert _steps(_Clock(), 1.0, 0.1, 100, every=float("inf")) == []
  assert len(_steps(_Clock(), 1.0, 0.1, 100, every=0.0)) == 100


def _agree(clocks, every, requests, num_steps, monkeypatch):
  """Runs the decisions of several processes side by side."""
  monkeypatch.setattr(distributed, "num_processes", lambda: len(clocks))
  own = {}
  paces = [CheckpointPace(every, clock) for clock in clocks]

  def of_all(row):
    own[current[0]] = row
    return row

  # Each decides with its own row; then all with the rows of all.
  current, decisions = [0], []
  for step in range(num_steps):
    own.clear()
    for rank, pace in enumerate(paces):
      clocks[rank].time += 0.01 * (rank + 1)
      current[0] = rank
      monkeypatch.setattr(
        stopping, "requested", functools.partial(requests, rank, step)
      )
      saved = dict(vars(pace))
      monkeypatch.setattr(distributed, "of_all", of_all)
      pace.decide()
      vars(pace).update(saved)
    # Either all meet or none does.
    assert len(own) in (0, len(paces))
    rows = [own[rank] for rank in sorted(own)]
    monkeypatch.setattr(
      distributed, "of_all", lambda _, rows=rows: np.concatenate(rows)
    )
    found = []
    for rank, pace in enumerate(paces):
      monkeypatch.setattr(
        stopping, "requested", functools.partial(requests, rank, step)
      )
      found.append(pace.decide())
    assert len(set(found)) == 1
    decisions.append(found[0])
    if found[0].saves:
      for pace in paces:
        pace.saved(pace.now())
  return decisions


def test_processes_whose_clocks_differ_decide_alike(monkeypatch):
  clocks = [_Clock(), _Clock(), _Clock()]
  decisions = _agree(clocks, 5.0, lambda *_: None, 3000, monkeypatch)
  saved = [step for step, found in enumerate(decisions) if found.saves]
  # By the leader's clock, whose steps take 10 ms, and its meetings.
  assert len(saved) in (4, 5, 6)
  assert all(found.stop is None for found in decisions)


def test_a_signal_to_one_process_stops_all_at_one_step(monkeypatch):
  def requests(rank, step):
    return 15 if rank == 1 and step >= 500 else None

  clocks = [_Clock(), _Clock()]
  decisions = _agree(clocks, 1e6, requests, 800, monkeypatch)
  stops = [step for step, found in enumerate(decisions) if found.stop]
  assert decisions[stops[0]] == Decision(False, 15)
  # Within two meetings, which are a second apart.
  assert 500 <= stops[0] <= 700
