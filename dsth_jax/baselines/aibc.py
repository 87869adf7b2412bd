"""Asymmetric inner-product binary coding (AIBC)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax import Array
from jaxtyping import Float, Key, Shaped

from dsth_jax.baselines import itq, linear, pca
from dsth_jax.types import ArrayLike

# Keeps the regression defined if features are constant or dependent.
RIDGE = 1e-3


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  fidelity: float = 5.0,
  num_iters: int = 10,
  key: Key[jax.Array, ""],
) -> linear.LinearEncoder:
  """Fits inner products of codes to those of the features.

      min ||H Z^T - S||^2 + fidelity n (||H - X W||^2 + ||Z - X R||^2),
      S = scale X X^T,   scale = b / mean ||x||^2

  over codes H and Z in {-1, 1}^(n x b) and projections W and R (with a small
  ridge on both): the objective AIBC-Q, which keeps the signs instead of
  relaxing them. H and W serve queries, Z and R the database. Each of the four
  is minimized exactly in turn, codes bit by bit, so that the objective never
  rises. S is never formed.

  All methods here give an image one code; it is that of the database, [R^T (x
  - mean) >= 0]. The codes of both sides drift apart as the fidelity falls, and
  then no longer compare with themselves: the default is the optimum of 1, 2, 3,
  5 and 10 by ||Z Z^T - S|| at 48 bits on features of CIFAR-10, where 10 rounds
  are enough. ITQ's start ends lower than random and principal ones.

  `Baseline.fit` describes the shared arguments.

  Settings:
    fidelity: of the codes to the projections.
    num_iters: rounds over the four.

  Raises:
    ValueError: the features are not a finite matrix, or have fewer than b
      principal components.

  References:
    Shen, Liu, Zhang, Yang and Shen, Learning binary codes for maximum inner
    product search, ICCV 2015. "AIBC" in the paper's comparison.
  """
  del labels
  features = linear.checked_features("aibc", features, num_bits)
  start = itq.rotated_components(
    "aibc", features, num_bits, num_iters=50, key=key
  )
  scatter = pca.scatter(features, start.mean)
  sides = learn(
    features - start.mean[None, :],
    scatter,
    start.projection,
    fidelity=fidelity,
    num_iters=num_iters,
  )
  return linear.LinearEncoder(start.mean, sides.database.projection)


class Side(NamedTuple):
  """Codes and the projection whose signs they are near.

  Attributes:
    codes: -1 or 1.
    projection: one column per bit.
  """

  codes: Float[Array, "n b"]
  projection: Float[Array, "d b"]


class Sides(NamedTuple):
  """The two kinds of codes whose inner products are fitted."""

  query: Side
  database: Side


def learn(
  centered: Float[Array, "n d"],
  scatter: Float[np.ndarray, "d d"],
  projection: Float[Array, "d b"],
  *,
  fidelity: float,
  num_iters: int,
) -> Sides:
  """Lowers the objective of `fit` from the signs of a projection on.

  Args:
    centered: X.
    scatter: X^T X.
    projection: both sides start at its signs.
    fidelity: of the codes to the projections.
    num_iters: rounds; each does the query's side and then the database's.
  """
  num_bits = projection.shape[1]
  scale = num_bits * len(centered) / np.trace(scatter)
  mean_square = np.trace(scatter) / len(scatter)
  factor = scipy.linalg.cho_factor(
    scatter + RIDGE * mean_square * np.eye(len(scatter))
  )

  def with_projection(codes: Array) -> Side:
    solved = scipy.linalg.cho_solve(
      factor, np.asarray(_against(centered, codes))
    )
    return Side(codes, jnp.asarray(solved, jnp.float32))

  query = database = with_projection(_signs(_times(centered, projection)))
  for _ in range(num_iters):
    query = with_projection(
      _updated_codes(query, database.codes, centered, scale, fidelity)
    )
    database = with_projection(
      _updated_codes(database, query.codes, centered, scale, fidelity)
    )
  return Sides(query, database)


def _signs(values: Array) -> Array:
  return jnp.where(values >= 0, 1.0, -1.0)


@jax.jit
def _times(centered: Array, projection: Array) -> Array:
  return jnp.matmul(centered, projection, precision=jax.lax.Precision.HIGHEST)


@jax.jit
def _against(centered: Array, codes: Array) -> Array:
  """Returns X^T H; a product of rows is twice as fast on a CPU."""
  return jnp.matmul(codes.T, centered, precision=jax.lax.Precision.HIGHEST).T


@jax.jit
def _updated_codes(
  side: Side,
  others: Float[Array, "n b"],
  centered: Float[Array, "n d"],
  scale: Float[Array, ""],
  fidelity: Float[Array, ""],
) -> Float[Array, "n b"]:
  """Minimizes the objective over one side's codes, bit after bit.

  With the other side's codes H, and all over n, bit k becomes

      z_k = sign(S h_k - Z_others H_others^T h_k + fidelity X r_k).
  """
  num_points = centered.shape[0]
  wanted = scale / num_points * _times(centered, _against(centered, others))
  wanted += fidelity * _times(centered, side.projection)
  gram = _against(others, others) / num_points

  def bit(k: Array, rows: Float[Array, "b n"]) -> Float[Array, "b n"]:
    # Bit k itself does not count among the others.
    fitted = gram[k] @ rows - gram[k, k] * rows[k]
    return rows.at[k].set(_signs(wanted[:, k] - fitted))

  return jax.lax.fori_loop(0, side.codes.shape[1], bit, side.codes.T).T
