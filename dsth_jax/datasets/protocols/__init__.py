"""Protocols: the queries, the database and the training images.

Beside the parts "train" and "test" a data set can have "database", images that
are only searched, and "unlabelled", images that only train, wherever the whole
database trains.

>>> import numpy as np
>>> parts = np.array(["train"] * 6 + ["test"] * 2)
>>> official(parts, None, num_queries=0, seed=0)
Splits(query=array([6, 7]), database=array([0, 1, 2, 3, 4, 5]),
       training=array([0, 1, 2, 3, 4, 5]))
"""

from dsth_jax.datasets.protocols.by_class import (
  cifar10_1,
  cifar10_2,
  cifar10_official,
)
from dsth_jax.datasets.protocols.by_part import (
  holdout,
  official,
  queries_in_database,
)
from dsth_jax.datasets.protocols.splits import Splits

__all__ = [
  "PROTOCOLS",
  "Splits",
  "cifar10_1",
  "cifar10_2",
  "cifar10_official",
  "holdout",
  "official",
  "queries_in_database",
]

PROTOCOLS = {
  "official": official,
  "holdout": holdout,
  "queries-in-database": queries_in_database,
  "cifar10-official": cifar10_official,
  "cifar10-1": cifar10_1,
  "cifar10-2": cifar10_2,
}
