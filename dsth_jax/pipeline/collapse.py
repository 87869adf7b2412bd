"""A training that has collapsed is noticed, with the advice that fits."""

from collections.abc import Mapping
from typing import Any

from absl import logging
from ml_collections import ConfigDict

from dsth_jax.pipeline.workdir import settings


def learning_rate(config: ConfigDict) -> str:
  """Returns the full name of the setting that a hash network learns by."""
  if config.train.schedule == "piecewise":
    return "train.learning_rates"
  return "train.learning_rate"


def diverged(
  config: ConfigDict, name: str, rate: str, step: int, loss: float
) -> ValueError:
  """Returns the error of a loss that is not finite.

  Args:
    config: of the run.
    name: of the training.
    rate: the full name of its learning rate.
    step: whose loss it is.
    loss: infinite or no number.
  """
  return ValueError(
    f"{name} has diverged, its loss at step {step:,} is {loss}. {_advice(config, rate)} "
    "What was finished is kept, and the same command with another rate goes on "
    "from there."
  )


def refuse(
  config: ConfigDict, statistics: Mapping[str, Any], page: object
) -> None:
  """Raises ValueError if all codes are equal; warns of bits that never change.

  Args:
    config: of the run.
    statistics: of the codes, see `metrics.code_statistics`.
    page: where everything is written, for the message.
  """
  advice = _advice(config, learning_rate(config))
  num_codes = statistics["num_codes"]
  if num_codes > 1 and statistics["num_distinct_codes"] == 1:
    raise ValueError(
      f"the training has collapsed: all {num_codes:,} images have the same "
      f"code. {advice} What was finished is kept, see {page}."
    )
  if statistics["num_constant_bits"]:
    logging.warning(
      "%d of the %d bits are the same for every image: the training has partly "
      "collapsed. %s",
      statistics["num_constant_bits"],
      config.num_bits,
      advice,
    )


def _advice(config: ConfigDict, rate: str) -> str:
  return f"Lower {rate}, which is {settings(config, rate)[rate]}."
