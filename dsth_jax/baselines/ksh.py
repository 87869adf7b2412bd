"""Supervised hashing with kernels (KSH)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.optimize
import threadpoolctl
from jax import Array
from jaxtyping import Float, Int, Key, Shaped

from dsth_jax.baselines import class_labels, kernels, linear
from dsth_jax.types import ArrayLike

# Combinations of kernel functions of less variance than this share of the
# largest are left out: dividing by it would bring out float32's round-off.
SMALLEST_VARIANCE = 1e-6


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  num_anchors: int = 300,
  num_labelled: int = 2000,
  num_iters: int = 500,
  key: Key[Array, ""],
) -> kernels.KernelEncoder:
  """Makes code products equal to b within a class and to -b across classes.

      min || 1/b sum_k h_k h_k^T - S ||_F^2,   h_k = sign(F a_k)

  F holds the centered kernel functions of the labeled images, and S is 1 for
  two of one class and -1 otherwise. The bits are found one after the other,
  each to maximize h^T R h, where R = b S - sum h h^T is what the bits before
  have left: first by the spectral relaxation, then by smoothing the sign.

  S has the rank of the classes, so that nothing of l x l entries is stored.

  `Baseline.fit` describes the shared arguments.

  Settings:
    num_anchors: m; all images are anchors if there are fewer.
    num_labelled: l, drawn evenly from all classes; only these labels are used.
    num_iters: iterations of the smoothed problem for a bit, at most.

  Raises:
    ValueError: the features or the labels cannot be learned from, see
      `linear.checked_features` and `class_labels.checked_labels`.

  References:
    Liu, Wang, Ji, Jiang and Chang, Supervised hashing with kernels, CVPR 2012;
    num_labelled is that of its authors' program. The smoothed problem is
    solved by L-BFGS, which takes about 40 of the 500 iterations that the
    paper's gradient method is given.
  """
  features = linear.checked_features("ksh", features, num_bits)
  classes = class_labels.checked_labels("ksh", labels, features.shape[0])
  anchor_key, label_key = jax.random.split(key)
  found = kernels.fit(features, num_anchors=num_anchors, key=anchor_key)
  rows = class_labels.balanced_rows(classes, num_labelled, key=label_key)
  values = np.asarray(kernels.evaluate(found, features[rows]), np.float64)
  # The products are small: waking further threads costs 15 times the work.
  with threadpoolctl.threadpool_limits(1, user_api="blas"):
    directions = greedy_directions(
      values, classes[rows], num_bits=num_bits, num_iters=num_iters
    )
  return kernels.KernelEncoder(found, jnp.asarray(directions, jnp.float32))


class Residual(NamedTuple):
  """A symmetric matrix R = V diag(weights) V^T of low rank.

  Attributes:
    vectors: V.
    weights: of its columns.
  """

  vectors: Float[np.ndarray, "l f"]
  weights: Float[np.ndarray, "f"]

  def times(self, vector: Float[np.ndarray, "l"]) -> Float[np.ndarray, "l"]:
    """Returns R v."""
    return self.vectors @ (self.weights * (self.vectors.T @ vector))

  def without(self, bit: Float[np.ndarray, "l"]) -> "Residual":
    """Returns R - h h^T."""
    return Residual(
      np.column_stack([self.vectors, bit]), np.append(self.weights, -1.0)
    )


def label_products(classes: Int[np.ndarray, "l"], num_bits: int) -> Residual:
  """Returns b S = b (2 Y Y^T - 1 1^T), Y the one-hot labels."""
  one_hot = np.eye(classes.max() + 1)[classes]
  weights = np.full(one_hot.shape[1] + 1, 2.0 * num_bits)
  weights[-1] = -num_bits
  return Residual(np.column_stack([one_hot, np.ones(len(classes))]), weights)


def greedy_directions(
  values: Float[np.ndarray, "l m"],
  classes: Int[np.ndarray, "l"],
  *,
  num_bits: int,
  num_iters: int,
) -> Float[np.ndarray, "m b"]:
  """Finds one direction per bit, each for what the bits before have left.

  Args:
    values: F.
    classes: from 0 on.
    num_bits: b.
    num_iters: of the smoothed problem, at most.

  References:
    Algorithm 1 of the paper, which keeps the relaxed direction if its bits are
    better than the smoothed one's.
  """
  residual = label_products(classes, num_bits)
  basis = whitening(values)
  directions = []
  for _ in range(num_bits):
    relaxed = spectral_direction(values, residual, basis)
    smoothed = smoothed_direction(
      values, residual, relaxed, num_iters=num_iters
    )
    chosen = max(
      (relaxed, smoothed), key=lambda a: _gain(signs(values @ a), residual)
    )
    directions.append(chosen)
    residual = residual.without(signs(values @ chosen))
  return np.stack(directions, axis=1)


def signs(values: Float[np.ndarray, "l"]) -> Float[np.ndarray, "l"]:
  """Returns 1 where a value is not negative, else -1."""
  return np.where(values >= 0, 1.0, -1.0)


def whitening(values: Float[np.ndarray, "l m"]) -> Float[np.ndarray, "m p"]:
  """Returns P with (F P)^T (F P) = l I, for all of F that is not round-off."""
  variances, vectors = scipy.linalg.eigh(values.T @ values / len(values))
  kept = variances > SMALLEST_VARIANCE * variances[-1]
  return vectors[:, kept] / np.sqrt(variances[kept])


def spectral_direction(
  values: Float[np.ndarray, "l m"],
  residual: Residual,
  basis: Float[np.ndarray, "m p"],
) -> Float[np.ndarray, "m"]:
  """Maximizes (F a)^T R (F a) over ||F a||^2 = l.

  Args:
    values: F.
    residual: R.
    basis: from `whitening`, to which a is confined.
  """
  projected = residual.vectors.T @ (values @ basis)
  products = projected.T @ (residual.weights[:, None] * projected)
  last = len(products) - 1
  found = scipy.linalg.eigh(products, subset_by_index=[last, last])[1]
  return basis @ found[:, 0]


def smoothed_direction(
  values: Float[np.ndarray, "l m"],
  residual: Residual,
  start: Float[np.ndarray, "m"],
  *,
  num_iters: int,
) -> Float[np.ndarray, "m"]:
  """Minimizes -s^T R s / l^2 with s = tanh(F a / 2) in place of the signs.

  tanh(z / 2) is the paper's 2 / (1 + exp(-z)) - 1. The objective never rises.
  Descending in whitened coordinates was tried and lost on new images (CIFAR-10,
  16 bits: mAP 0.50 against 0.52).

  Args:
    values: F.
    residual: R.
    start: where to begin.
    num_iters: at most.
  """
  scale = len(values) ** 2

  def objective(direction: np.ndarray) -> tuple[float, np.ndarray]:
    smooth = np.tanh(values @ direction / 2)
    pulled = residual.times(smooth)
    slope = values.T @ (pulled * (1 - smooth**2))
    return -smooth @ pulled / scale, -slope / scale

  return scipy.optimize.minimize(
    objective,
    start,
    jac=True,
    method="L-BFGS-B",
    options={"maxiter": num_iters},
  ).x


def _gain(bit: np.ndarray, residual: Residual) -> float:
  """Returns h^T R h, of which the objective falls by twice."""
  return float(residual.weights @ (residual.vectors.T @ bit) ** 2)
