"""Anchors: a few points that stand for all, and the affinities to them."""

import functools
import warnings
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Key
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning


class Anchors(NamedTuple):
  """The groups of k-means.

  Attributes:
    centers: the mean of every group.
    sizes: how many points belong to it; at least one.
  """

  centers: Float[Array, "m d"]
  sizes: Int[Array, "m"]


class Affinities(NamedTuple):
  """The weights of the nearest anchors of every point.

  Attributes:
    indices: of the s nearest anchors, nearest first.
    weights: positive, of sum 1.
  """

  indices: Int[Array, "n s"]
  weights: Float[Array, "n s"]


def choose(
  method: str,
  features: Float[Array, "n d"],
  *,
  num_anchors: int,
  num_iters: int,
  key: Key[Array, ""],
) -> Anchors:
  """Finds anchors by k-means.

  Args:
    method: who asks, for the error message.
    features: one row per point.
    num_anchors: m.
    num_iters: of Lloyd's algorithm, at most.
    key: draws the first centers, by k-means++.

  Returns:
    `Anchors(centers[m d], sizes[m])`; fewer than m where points coincide.

  Raises:
    ValueError: there are fewer than m points.
  """
  if features.shape[0] < num_anchors:
    raise ValueError(
      f"{method} was given {features.shape[0]} images, but makes "
      f"{num_anchors} groups of them: pass more images, or ask for fewer "
      "groups or bits."
    )
  seed = int(jax.random.randint(key, (), 0, jnp.iinfo(jnp.int32).max))
  k_means = KMeans(num_anchors, max_iter=num_iters, random_state=seed)
  with warnings.catch_warnings():
    # Of groups without a point, which are left out.
    warnings.simplefilter("ignore", ConvergenceWarning)
    k_means.fit(np.asarray(features))
  sizes = np.bincount(k_means.labels_, minlength=num_anchors)
  centers = k_means.cluster_centers_[sizes > 0]
  return Anchors(jnp.asarray(centers), jnp.asarray(sizes[sizes > 0]))


@jax.jit
def squared_distances(
  features: Float[Array, "n d"], anchors: Float[Array, "m d"]
) -> Float[Array, "n m"]:
  """Returns ||x_i - a_j||^2; center both first, or float32 loses digits."""
  product = jnp.matmul(features, anchors.T, precision=jax.lax.Precision.HIGHEST)
  squares = jnp.sum(jnp.square(features), axis=1, keepdims=True)
  others = jnp.sum(jnp.square(anchors), axis=1)[None, :]
  return jnp.maximum(squares - 2 * product + others, 0.0)


@functools.partial(jax.jit, static_argnames="num_nearest")
def affinities(
  squared: Float[Array, "n m"],
  bandwidth: Float[Array, ""],
  *,
  num_nearest: int,
) -> Affinities:
  """Weighs the nearest anchors by a Gaussian kernel.

      z_ij = exp(-||x_i - a_j||^2 / bandwidth^2) / sum_j' exp(...)

  over the s anchors nearest to x_i; all others weigh 0.

  Args:
    squared: distances of points and anchors.
    bandwidth: of the kernel.
    num_nearest: s.
  """
  negated, indices = jax.lax.top_k(-squared, num_nearest)
  # Far from all anchors every kernel underflows; their ratios do not.
  return Affinities(indices, jax.nn.softmax(negated / bandwidth**2, axis=1))
