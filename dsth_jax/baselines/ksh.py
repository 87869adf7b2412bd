"""Supervised hashing with kernels (KSH)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import threadpoolctl
from jax import Array
from jaxtyping import Float, Int, Key, Shaped

from dsth_jax.baselines import class_labels, kernels, linear
from dsth_jax.types import ArrayLike

# Combinations of kernel functions of less variance than this share of the
# largest are left out: dividing by it would bring out float32's round-off.
SMALLEST_VARIANCE = 1e-6
# The smoothed problem ends once its cost changes by less than this for each
# labeled image.
SMALLEST_CHANGE = 1e-2
# Halvings of the step length in an iteration, at most.
MAX_HALVINGS = 50
# Threads help the products only if the kernel functions have more values.
SINGLE_THREAD_SIZE = 1 << 22


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
      0 takes all. Memory and time are linear in l: 8 l m bytes, which is 120 MB
      for 50,000 images and 300 anchors, and there some 20 s a bit on two cores.
    num_iters: iterations of the smoothed problem for a bit, at most.

  Raises:
    ValueError: the features or the labels cannot be learned from, see
      `linear.checked_features` and `class_labels.checked_labels`.

  References:
    Liu, Wang, Ji, Jiang and Chang, Supervised hashing with kernels, CVPR 2012;
    the defaults are those of its authors' program.
  """
  features = linear.checked_features("ksh", features, num_bits)
  classes = class_labels.checked_labels("ksh", labels, features.shape[0])
  anchor_key, label_key = jax.random.split(key)
  found = kernels.fit(features, num_anchors=num_anchors, key=anchor_key)
  rows = class_labels.balanced_rows(classes, num_labelled, key=label_key)
  values = np.asarray(kernels.evaluate(found, features[rows]), np.float64)
  # Waking further threads for small products costs 15 times the work.
  threads = 1 if values.size < SINGLE_THREAD_SIZE else None
  with threadpoolctl.threadpool_limits(threads, user_api="blas"):
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


class _Point(NamedTuple):
  """A direction and its image, so that both are combined without a product.

  Attributes:
    direction: a.
    image: F a.
  """

  direction: Float[np.ndarray, "m"]
  image: Float[np.ndarray, "l"]

  def plus(self, step: float, other: "_Point") -> "_Point":
    """Returns a + step b."""
    return _Point(
      self.direction + step * other.direction, self.image + step * other.image
    )


def smoothed_direction(
  values: Float[np.ndarray, "l m"],
  residual: Residual,
  start: Float[np.ndarray, "m"],
  *,
  num_iters: int,
) -> Float[np.ndarray, "m"]:
  """Lowers -s^T R s, where s = tanh(F a / 2) takes the place of the signs.

  tanh(z / 2) is the paper's 2 / (1 + exp(-z)) - 1. Nesterov's accelerated
  gradient: a step goes down the gradient g at the point v ahead of the last
  two, its length 1 / c halved until the cost is below the quadratic bound
  cost(v) - ||g||^2 / (2 c). A length once halved stays so.

  It ends when the cost changes by at most 1e-2 l. L-BFGS to a minimum was tried
  and lost on new images (digits, 8 bits: mAP 0.90 against 0.96).

  Args:
    values: F.
    residual: R.
    start: where to begin.
    num_iters: at most.

  References:
    Liu et al., CVPR 2012, section 3.2; the rules for the step length and the
    end are those of its authors' program.
  """
  previous = current = _Point(start, values @ start)
  cost = smoothed_cost(current.image, residual)
  before, after, curvature = 0.0, 1.0, 1.0
  for _ in range(num_iters):
    momentum = (before - 1) / after
    ahead = current.plus(momentum, current.plus(-1.0, previous))
    step = _bounded_step(values, residual, ahead, curvature)
    if step is None:
      break
    previous, (current, curvature, new_cost) = current, step
    before, after = after, (1 + np.sqrt(1 + 4 * after**2)) / 2
    change, cost = abs(new_cost - cost), new_cost
    if change <= SMALLEST_CHANGE * len(values):
      break
  return current.direction


def smoothed_cost(image: Float[np.ndarray, "l"], residual: Residual) -> float:
  """Returns -s^T R s with s = tanh(image / 2)."""
  return -_gain(np.tanh(image / 2), residual)


def smoothed_slope(
  image: Float[np.ndarray, "l"], residual: Residual
) -> Float[np.ndarray, "l"]:
  """Returns the gradient of `smoothed_cost`."""
  smooth = np.tanh(image / 2)
  return -residual.times(smooth) * (1 - smooth**2)


def _bounded_step(
  values: Float[np.ndarray, "l m"],
  residual: Residual,
  ahead: _Point,
  curvature: float,
) -> tuple[_Point, float, float] | None:
  """Returns the point below the bound, its curvature and cost.

  None where no step is short enough.
  """
  gradient = values.T @ smoothed_slope(ahead.image, residual)
  slope = _Point(gradient, values @ gradient)
  cost = smoothed_cost(ahead.image, residual)
  for _ in range(MAX_HALVINGS + 1):
    point = ahead.plus(-1 / curvature, slope)
    new_cost = smoothed_cost(point.image, residual)
    if new_cost <= cost - gradient @ gradient / (2 * curvature):
      return point, curvature, new_cost
    curvature *= 2
  return None


def _gain(bit: np.ndarray, residual: Residual) -> float:
  """Returns h^T R h, of which the objective falls by twice."""
  return float(residual.weights @ (residual.vectors.T @ bit) ** 2)
