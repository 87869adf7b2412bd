"""How the network of a deep method is trained."""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import optax
from jax import Array

from dsth_jax import train

MOMENTUM = 0.9


class Recipe(NamedTuple):
  """The network of a deep method and its training.

  The defaults are a linear head on the backbone's features and plain SGD, as
  most authors of deep unsupervised methods publish. Of a method, `fit` has a
  recipe as its default, with the steps that its authors state.

  Attributes:
    network: a name in `HASH_MODELS`. One on images gets a fully connected head.
    hidden_sizes: widths of the hidden layers of a head on features.
    optimizer: "sgd" or "adamw", which is Adam without weight decay.
    schedule: "constant", or "one_cycle" up to the learning rate and down.
    learning_rate: of the optimizer.
    weight_decay: of kernels, not of biases.
    batch_size: images in a step, a multiple of the number of devices. Losses
      on pairs use the pairs within a batch.
    num_epochs: passes over the images.
  """

  network: str = "frozen_backbone"
  hidden_sizes: tuple[int, ...] = ()
  optimizer: str = "sgd"
  schedule: str = "constant"
  learning_rate: float = 1e-4
  weight_decay: float = 5e-4
  batch_size: int = 32
  num_epochs: int = 30


# From pixels and from scratch every method takes the same steps.
FROM_PIXELS = Recipe(
  network="simplenet",
  optimizer="adamw",
  schedule="one_cycle",
  learning_rate=3e-3,
  weight_decay=0.01,
  batch_size=128,
  num_epochs=5,
)


def _constant(*, num_steps: int, peak_value: float) -> optax.Schedule:
  del num_steps
  return optax.constant_schedule(peak_value)


SCHEDULES: Mapping[str, Callable[..., optax.Schedule]] = {
  "constant": _constant,
  "one_cycle": train.one_cycle,
}


def check(method: str, recipe: Recipe) -> None:
  """Raises ValueError, naming the method, for steps that cannot be taken."""
  if recipe.num_epochs < 1:
    raise ValueError(
      f"{method} was asked for num_epochs={recipe.num_epochs}, but learns in "
      "passes over the images: pass 1 or more."
    )
  choices = {
    "optimizer": (recipe.optimizer, train.OPTIMIZERS),
    "schedule": (recipe.schedule, SCHEDULES),
  }
  for field, (value, known) in choices.items():
    if value not in known:
      raise ValueError(
        f"{method} was asked for {field}={value!r}, but there are "
        f"{', '.join(sorted(known))}: pass one of them."
      )


def optimizer(
  recipe: Recipe, num_steps: int, *, only: str = ""
) -> optax.GradientTransformation:
  """Returns the optimizer with its schedule.

  Args:
    recipe: see `Recipe`.
    num_steps: of the whole training.
    only: the one layer to train; all layers if empty.
  """
  schedule = SCHEDULES[recipe.schedule](
    num_steps=num_steps, peak_value=recipe.learning_rate
  )
  made = train.OPTIMIZERS[recipe.optimizer](
    schedule, momentum=MOMENTUM, weight_decay=recipe.weight_decay
  )
  if not only:
    return made

  def is_trained(path: jax.tree_util.KeyPath, _: Array) -> bool:
    return f"'{only}'" in jax.tree_util.keystr(path)

  return optax.multi_transform(
    {True: made, False: optax.set_to_zero()},
    functools.partial(jax.tree_util.tree_map_with_path, is_trained),
  )
