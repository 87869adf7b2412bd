"""The cosine neighbor graph of the features (Eq. 1 and 7).

>>> import numpy as np
>>> features = np.array([[2.0, 0.0], [1.0, 0.1], [0.0, 3.0], [0.1, 1.0]])
>>> neighbors = cosine_knn(features, num_neighbors=1)
>>> np.asarray(neighbors.indices).tolist()
[[1], [0], [3], [2]]
>>> graph = affinity(neighbors)
>>> connected_components(graph).num_components
2
>>> connected = connect_components(graph, features)
>>> connected.num_edges_added, np.asarray(degrees(connected.affinity)).shape
(1, (4,))
"""

from dsth_jax.graph.affinity_matrix import (
  Affinity,
  affinity,
  degrees,
  from_scipy,
  to_scipy,
)
from dsth_jax.graph.approximate_knn import approximate_cosine_knn, recall
from dsth_jax.graph.components import (
  MIN_WEIGHT,
  Components,
  Connected,
  connect_components,
  connected_components,
)
from dsth_jax.graph.knn import Neighbors, cosine_knn

__all__ = [
  "MIN_WEIGHT",
  "Affinity",
  "Components",
  "Connected",
  "Neighbors",
  "affinity",
  "approximate_cosine_knn",
  "connect_components",
  "connected_components",
  "cosine_knn",
  "degrees",
  "from_scipy",
  "recall",
  "to_scipy",
]
