"""A training that has collapsed is noticed, with the advice that fits."""

from collections.abc import Mapping
from typing import Any

from absl import logging
from ml_collections import ConfigDict


def diverged(
  config: ConfigDict, name: str, step: int, loss: float
) -> ValueError:
  """Returns the error of a loss that is not finite.

  Args:
    config: of the run.
    name: of the training.
    step: whose loss it is.
    loss: infinite or no number.
  """
  return ValueError(
    f"{name} has diverged, its loss at step {step:,} is {loss}. {_advice(config)} "
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
  num_codes = statistics["num_codes"]
  if num_codes > 1 and statistics["num_distinct_codes"] == 1:
    raise ValueError(
      f"the training has collapsed: all {num_codes:,} images have the same "
      f"code. {_advice(config)} What was finished is kept, see {page}."
    )
  if statistics["num_constant_bits"]:
    logging.warning(
      "%d of the %d bits are the same for every image: the training has partly "
      "collapsed. %s",
      statistics["num_constant_bits"],
      config.num_bits,
      _advice(config),
    )


def _advice(config: ConfigDict) -> str:
  field = "learning_rate"
  if config.train.schedule == "piecewise":
    field = "learning_rates"
  return f"Lower train.{field}, which is {config.train[field]}."
