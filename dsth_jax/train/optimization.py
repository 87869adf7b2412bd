"""Schedules of the learning rate, and the optimizers that follow them."""

from typing import Any

import jax
import numpy as np
import optax


def one_cycle(
  *, num_steps: int, peak_value: float, warmup: float = 0.2
) -> optax.Schedule:
  """Rises to the peak and falls to nearly zero along cosines.

  References:
    Smith and Topin, Super-convergence, 2018.
  """
  return optax.cosine_onecycle_schedule(
    num_steps, peak_value, pct_start=warmup, div_factor=25.0
  )


def piecewise(
  *, values: tuple[float, ...], stage_steps: tuple[int, ...]
) -> optax.Schedule:
  """Holds each value for its number of steps (paper, section IV-C)."""
  boundaries = np.cumsum(stage_steps[:-1]).tolist()
  return optax.join_schedules(
    [optax.constant_schedule(value) for value in values], boundaries
  )


def sgd(
  schedule: optax.Schedule, *, momentum: float, weight_decay: float
) -> optax.GradientTransformation:
  """Returns Caffe's SGD: decay joins the gradient before the momentum."""
  return optax.chain(
    optax.add_decayed_weights(weight_decay, mask=_is_kernel),
    optax.sgd(schedule, momentum),
  )


def adamw(
  schedule: optax.Schedule, *, momentum: float, weight_decay: float
) -> optax.GradientTransformation:
  """Returns AdamW, whose first moment decays by `momentum`."""
  return optax.adamw(
    schedule, b1=momentum, weight_decay=weight_decay, mask=_is_kernel
  )


OPTIMIZERS = {"sgd": sgd, "adamw": adamw}


def _is_kernel(params: Any) -> Any:
  """Marks what weight decay shrinks: kernels, not biases and scales."""
  return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
