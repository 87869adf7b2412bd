"""The command that compares, as a process of its own."""

import json

import pytest
from support import commands

SHORT = (
  "--config=configs/compare_digits.py",
  "--config.compare.methods=('lsh','itq')",
  "--config.compare.seeds=0",
)


def _run(*arguments):
  return commands.run("dsth_jax.compare", *arguments)


@pytest.mark.slow
def test_a_failed_cell_is_said_at_the_end_and_the_rest_is_there(tmp_path):
  arguments = (
    *SHORT,
    f"--config.data.data_dir={tmp_path}/data",
    f"--workdir={tmp_path}/compared",
  )
  # Digits have 192 pixel values: ITQ has no 200 components.
  failed = _run(*arguments, "--config.compare.num_bits=(16,200)")
  assert failed.returncode == 1
  last = failed.stderr.strip().splitlines()[-1]
  assert "1 of the cells failed, first itq-200-0: itq was asked for" in last
  assert "Traceback" not in failed.stderr
  report = tmp_path / "compared" / "report"
  assert (report / "index.html").stat().st_size > 10_000
  written = tmp_path / "compared" / "comparison.json"
  methods = json.loads(written.read_text())["methods"]
  assert methods["lsh"]["200"]["mean"]["mean_average_precision"] > 0.4
  assert methods["itq"]["200"]["mean"] == {}

  whole = _run(*arguments, "--config.compare.num_bits=16")
  assert whole.returncode == 0, whole.stderr
  for stage in ("features/pixels", "cells/lsh-16-0", "cells/itq-16-0"):
    assert f"{stage}: reused" in whole.stderr
  assert json.loads(written.read_text())["failed"] == []


def test_a_wrong_setting_is_answered_in_words(tmp_path):
  workdir = f"--workdir={tmp_path}/compared"
  result = _run("--config.compare.methods=itqq", workdir)
  assert result.returncode == 1
  assert "did you mean itq" in result.stderr.strip().splitlines()[-1]
  assert "Traceback" not in result.stderr
  assert not (tmp_path / "compared").exists()
