"""The generalized Laplacian eigenproblem of a neighbor graph (Eq. 11-12).

>>> import jax
>>> import numpy as np
>>> from dsth_jax import graph
>>> angles = np.arange(40) * 2 * np.pi / 40
>>> ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
>>> affinity = graph.affinity(graph.cosine_knn(ring, num_neighbors=2))
>>> embedding = laplacian_eigenmaps(
...   affinity, num_components=2, key=jax.random.key(0)
... )
>>> bool(np.allclose(embedding.eigenvalues, 1 - np.cos(angles[1]), atol=1e-5))
True
>>> is_converged(embedding)
True
"""

from dsth_jax.spectral.eigenmaps import (
  SOLVERS,
  Embedding,
  is_converged,
  laplacian_eigenmaps,
)

__all__ = ["SOLVERS", "Embedding", "is_converged", "laplacian_eigenmaps"]
