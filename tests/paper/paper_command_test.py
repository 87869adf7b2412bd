"""The command of the experiments, as a process of its own."""

import numpy as np
import pytest
from support import commands, folders


def _run(*arguments):
  return commands.run("dsth_jax.paper", *arguments)


def _last_line(result):
  return result.stderr.strip().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
  ("arguments", "text"),
  [
    ((), "--experiment is missing: pass --experiment=NAME"),
    (("--experiment=table3",), "--data is missing"),
    (("--experiment=table1",), "'table1', but must be one of table2"),
    (("--experiment=table3",), "--weights=alexnet=FILE; or --backbones="),
    (("table3",), "stray argument 'table3'"),
    (("--experiment=table3", "--budget=long"), "budget"),
  ],
)
def test_a_wrong_command_is_answered_in_one_sentence(tmp_path, arguments, text):
  data = () if "--data" in text else (f"--data={tmp_path}",)
  result = _run(*arguments, *data, f"--workdir={tmp_path}/paper")
  assert result.returncode == 1
  assert text in _last_line(result)
  assert "Traceback" not in result.stderr
  assert not (tmp_path / "paper").exists()


@pytest.mark.slow
def test_a_table_and_a_figure_are_written(tmp_path):
  rng = np.random.default_rng(0)
  for part, count in (("train", 130), ("test", 10)):
    for label in range(2):
      for i in range(count):
        noise = rng.normal(0, 20, (8, 8, 3))
        pixels = np.clip(folders.pattern(8, 8, label) + noise, 0, 255)
        path = tmp_path / "cifar10" / part / f"class{label}" / f"{i}.png"
        folders.write(path, pixels.astype(np.uint8))
  arguments = (
    "--experiment=table3,fig3",
    "--budget=smoke",
    "--backbones=pixels",
    f"--data={tmp_path}",
    f"--data_dir={tmp_path}/prepared",
    f"--workdir={tmp_path}/paper",
  )
  result = _run(*arguments, "--datasets=cifar10")
  assert result.returncode == 0, result.stderr
  assert "Cell 4 of 4" in result.stderr
  table = (tmp_path / "paper" / "table3" / "table3.md").read_text()
  assert "Only a test that everything runs" in table
  for name in ("fig3.png", "fig3.pdf", "index.html", "findings.md"):
    assert (tmp_path / "paper" / "fig3" / name).stat().st_size > 0
  # The second call makes nothing, and names the data set that is missing.
  again = _run(*arguments, "--datasets=cifar10,stl10")
  assert again.returncode == 1
  assert "Data sets without figures: 1, first stl10" in _last_line(again)
  assert "training: ..." not in again.stderr
