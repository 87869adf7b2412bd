"""How much of the paper's work is done: the one place that says what changes."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Budget(NamedTuple):
  """What an experiment takes.

  Attributes:
    text: what it changes in the paper's settings, for the outputs.
    settings: of all cells, by their full names.
    fine_tuning: of backbones that class labels train further, by the names in
      features.fine_tuning.
    from_scratch: of those that class labels train from scratch.
  """

  text: str
  settings: Mapping[str, Any]
  fine_tuning: Mapping[str, Any]
  from_scratch: Mapping[str, Any]


_ONE_CYCLE = {
  "train.optimizer": "adamw",
  "train.schedule": "one_cycle",
  "train.learning_rate": 3e-3,
  "train.weight_decay": 0.01,
}

BUDGETS = {
  "paper": Budget(
    "The paper's settings: all training images are the database, all test "
    "images are queries, and SimpleNet trains for 70,000 steps. The paper does "
    "not say how class labels train a backbone: here all of it, for 10 epochs, "
    "and SimpleNet from scratch for 60.",
    {},
    {"num_epochs": 10, "trainable": "all", "learning_rate": 1e-4},
    {"num_epochs": 60, "trainable": "all", "batch_size": 128},
  ),
  "short": Budget(
    "Less than the paper: 20,000 training images, which are also the database, "
    "and 2,000 queries. SimpleNet trains for 5 epochs of AdamW, in one cycle of "
    "the learning rate, in place of 70,000 steps. Class labels train the last "
    "layers of a backbone for 2 epochs on 2,000 images, and SimpleNet from "
    "scratch for 5 on all.",
    {
      **_ONE_CYCLE,
      "data.num_training": 20_000,
      "compare.num_queries": 2000,
      "train.num_epochs": 5,
      "train.batch_size": 128,
    },
    {"num_epochs": 2, "num_labelled": 2000, "trainable": "last"},
    {"num_epochs": 5, "trainable": "all", "batch_size": 128},
  ),
  "smoke": Budget(
    "Only a test that everything runs: 400 training images, which are also the "
    "database, 100 queries, backbones at 64 pixels a side, SimpleNet for 1 "
    "epoch, and class labels for 1 epoch on 100 images. The figures say nothing.",
    {
      **_ONE_CYCLE,
      "data.num_training": 400,
      "compare.num_queries": 100,
      "features.image_size": 64,
      "train.num_epochs": 1,
      "train.batch_size": 32,
    },
    {"num_epochs": 1, "num_labelled": 100, "trainable": "last"},
    {"num_epochs": 1, "num_labelled": 100, "trainable": "all"},
  ),
}
