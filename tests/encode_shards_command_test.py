"""The workers and the command line of encode_shards."""

import pytest
from support import commands

from dsth_jax import encode_shards

SLURM = {"SLURM_NTASKS": "8", "SLURM_PROCID": "3"}


KUBERNETES = {"JOB_COMPLETION_INDEX": "2"}


@pytest.mark.parametrize(
  ("flags", "environment", "expected"),
  [
    ((None, None), {}, (1, 0)),
    ((5, 4), {}, (5, 4)),
    ((None, None), SLURM, (8, 3)),
    ((None, None), {"SLURM_PROCID": "0"}, (1, 0)),
    # In an allocation, outside of its tasks.
    ((None, None), {"SLURM_NTASKS": "8"}, (1, 0)),
    ((5, None), KUBERNETES, (5, 2)),
    ((5, 4), SLURM | KUBERNETES, (5, 4)),
  ],
)
def test_which_worker_this_is(flags, environment, expected):
  assert encode_shards.which_worker(*flags, environment) == expected


@pytest.mark.parametrize(
  ("flags", "environment", "message"),
  [
    ((None, None), KUBERNETES, "worker 2, and nothing says of how many"),
    ((None, 1), {}, "worker 1, and nothing says of how many"),
    ((5, None), {}, "5 workers, and nothing says which"),
  ],
)
def test_a_worker_without_its_number_or_their_count_is_refused(
  flags, environment, message
):
  with pytest.raises(ValueError, match=message):
    encode_shards.which_worker(*flags, environment)


@pytest.mark.parametrize(
  ("argument", "message"),
  [
    ("--format=csv", "value should be one of"),
    ("--shards=photos.tar", "--run is missing"),
  ],
)
def test_a_wrong_command_line_is_answered_in_one_line(argument, message):
  result = commands.run("dsth_jax.encode_shards", argument)
  assert result.returncode == 1
  (line,) = result.stderr.strip().splitlines()
  assert line.startswith("dsth_jax: ")
  assert message in line


def test_an_unknown_worker_is_refused(tmp_path):
  with pytest.raises(ValueError, match="worker is 3 of 3"):
    encode_shards.encode_shards(tmp_path, "", tmp_path, num_workers=3, worker=3)
