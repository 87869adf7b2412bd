"""Hash function learning: a network learns the hash labels from pixels."""

from dsth_jax.train.augmentation import (
  Augment,
  Augmentation,
  augment,
  mixup,
)
from dsth_jax.train.checkpoints import TrainingCheckpoints
from dsth_jax.train.optimization import (
  OPTIMIZERS,
  adamw,
  one_cycle,
  piecewise,
  sgd,
)
from dsth_jax.train.steps import (
  Step,
  TrainState,
  batch_rows,
  fit,
  init,
  make_step,
  squared_error,
)

__all__ = [
  "OPTIMIZERS",
  "Augment",
  "Augmentation",
  "Step",
  "TrainState",
  "TrainingCheckpoints",
  "adamw",
  "augment",
  "batch_rows",
  "fit",
  "init",
  "make_step",
  "mixup",
  "one_cycle",
  "piecewise",
  "sgd",
  "squared_error",
]
