"""Self-taught hashing (STH): a graph makes the bits, SVMs learn them."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, Shaped, UInt8

from dsth_jax import codes, graph, spectral
from dsth_jax.baselines import linear, svm
from dsth_jax.types import ArrayLike


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  num_neighbors: int = 25,
  penalty: float = 1.0,
  key: Key[jax.Array, ""],
) -> linear.LinearEncoder:
  """Learns bits that cut the neighbor graph, by one linear SVM per bit.

  The bits are the Laplacian eigenmaps of the cosine k-nearest-neighbor graph
  (Eq. 1 and 3), cut at their medians. Cosines are taken after centering.

  `Baseline.fit` describes the shared arguments.

  Settings:
    num_neighbors: k of the graph, below n.
    penalty: C of the SVMs.

  Raises:
    ValueError: the features are not a finite matrix, there are too few of
      them (k < n and b < n), or the eigensolver did not converge.

  References:
    Zhang, Wang, Cai and Lu, Self-taught hashing for fast similarity search,
    SIGIR 2010. "STH" in the paper's comparison.
  """
  del labels
  features = linear.checked_features("sth", features, num_bits)
  most = max(num_bits, num_neighbors)
  if most >= len(features):
    raise ValueError(
      f"sth was given {len(features)} images, but {num_bits} bits of a graph "
      f"of {num_neighbors} neighbors need at least {most + 1}: pass more "
      "images, or fewer num_bits or num_neighbors."
    )
  mean = jnp.mean(features, axis=0)
  centered = features - mean[None, :]
  bits = self_taught_codes(
    centered, num_bits=num_bits, num_neighbors=num_neighbors, key=key
  )
  machines = svm.fit(centered, bits, penalty=penalty)
  return linear.LinearEncoder(mean, machines.weights, -machines.biases)


def self_taught_codes(
  centered: Float[Array, "n d"],
  *,
  num_bits: int,
  num_neighbors: int,
  key: Key[Array, ""],
) -> UInt8[Array, "n b"]:
  """Returns balanced bits that cut the neighbor graph of the features."""
  neighbors = graph.cosine_knn(centered, num_neighbors=num_neighbors)
  # Otherwise the first bits only separate the components.
  connected = graph.connect_components(graph.affinity(neighbors), centered)
  embedding = spectral.laplacian_eigenmaps(
    connected.affinity, num_components=num_bits, key=key
  )
  if not spectral.is_converged(embedding):
    raise ValueError(
      f"sth stopped its eigensolver at a residual of "
      f"{float(jnp.max(embedding.residuals)):.1e} after {embedding.num_iters} "
      "iterations, but needs 1e-3: raise num_neighbors."
    )
  thresholds = codes.median_thresholds(embedding.vectors)
  return codes.binarize(embedding.vectors, thresholds)
