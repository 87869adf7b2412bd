"""Measured figures of the paper's experiments, made up from few numbers."""

import itertools

from dsth_jax.paper.context import Context
from dsth_jax.paper.results import Key

LEVELS = [level / 10 for level in range(1, 11)]
RETURNED = [1, 3, 10, 32, 100, 316, 1000]
STAND_INS = {"googlenet": "efficientnet_lite0"}


def metrics(quality):
  """Metrics that fall with recall and with the number of images returned."""
  precision = [quality * (1 - 0.6 * level) for level in LEVELS]
  chosen = [precision[LEVELS.index(r)] for r in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)]
  levels = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
  return {
    "num_database": 2000,
    "recall_levels": LEVELS,
    "precision_at_recall": precision,
    "returned_images": RETURNED,
    "precision_of_returned": [quality * n**-0.05 for n in RETURNED],
    **{
      f"max_f_beta_{beta}": max(
        (1 + beta**2) * p * r / (beta**2 * p + r)
        for p, r in zip(chosen, levels)
      )
      for beta in (0.5, 0.25)
    },
    "mean_average_precision": quality * 0.6,
    "hd3p": quality * 0.9,
    "nc3p": quality * 0.95,
  }


def measured(
  datasets=("cifar10", "stl10"),
  backbones=("alexnet", "efficientnet_lite0"),
  num_bits=(16, 32, 48, 64),
  activations=("batchnorm", "sigmoid"),
):
  """Every configuration; longer codes, Slice and BatchNorm are better."""
  found = {}
  for cell in itertools.product(
    datasets, backbones, ("mlp", "slice"), activations, num_bits
  ):
    dataset, backbone, head, activation, bits = cell
    quality = (
      0.4
      + 0.1 * (dataset == "cifar10")
      + 0.08 * (backbone != "alexnet")
      + 0.03 * (head == "slice")
      + {"batchnorm": 0.05, "sigmoid": 0.0, "relu": -0.1}[activation]
      + bits / 800
    )
    key = Key(dataset, backbone, head, activation, False, "dsth", bits)
    found[key] = metrics(quality)
  return found


def methods(names, datasets=("cifar10", "stl10"), num_bits=(16, 32, 48, 64)):
  """Methods with one code length after another, each better than the last."""
  return {
    Key(dataset, "efficientnet_lite0", "", "", False, name, bits): metrics(
      0.3 + 0.02 * number + bits / 900
    )
    for number, name in enumerate(names)
    for dataset, bits in itertools.product(datasets, num_bits)
  }


def context(**fields):
  return Context(
    **{
      "budget": "Budget short: 20,000 training images, 5 epochs.",
      "seeds": (0, 1),
      "stand_ins": STAND_INS,
      **fields,
    }
  )
