"""Convolutional neural network hashing (CNNH): codes first, then a network."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float, Int, Key, Shaped

from dsth_jax.baselines import deep, deep_inputs
from dsth_jax.baselines.recipe import Recipe
from dsth_jax.types import ArrayLike

# The paper states none; those of `dlbh`.
RECIPE = Recipe(optimizer="sgd", learning_rate=1e-3, batch_size=32)


def fit(
  inputs: Shaped[ArrayLike, "n ..."],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  recipe: Recipe = RECIPE,
  num_sweeps: int = 5,
) -> deep.NetworkEncoder:
  """Factorizes the similarity of classes into codes that a network learns.

      min_H ||S - H H^T / b||_F^2   over H in [-1, 1],   codes = sign(H)

  S_ij is 1 for images of one class and -1 for others. The network then learns
  each bit of an image's row of H with a logistic loss.

  S has rank c for c classes, and so has the optimal H: the images of a class
  share one code, and bits after the first 2^(c - 1) - 1 repeat others.

  A row of H belongs to one image. A public implementation factorizes the
  labels in the shuffled order of its loader but reads the rows in the order of
  the data set. It reports an mAP of 0.134 for 48 bits on CIFAR-10, where
  chance is 0.1. Here both have the order of `images`.

  `Baseline` and `Recipe` describe the shared arguments.

  Settings:
    num_sweeps: passes over the entries of H; two or three suffice on CIFAR-10,
      where each takes 5 seconds.

  Returns:
    The encoder; a bit is the sign of an output.

  Raises:
    ValueError: see `deep_inputs.with_classes`.

  References:
    Xia et al., Supervised hashing for image retrieval via image representation
    learning, AAAI 2014, Eq. 6. "CNNH" in the paper's comparison. There, all layers of
    the network are trained; here, the backbone stays as it is.
  """
  settings = deep.Settings("cnnh", num_bits, recipe)
  inputs, classes = deep_inputs.with_classes(settings, inputs, labels)
  factor_key, learn_key = jax.random.split(key)
  factors = factorize(
    classes, num_bits=num_bits, num_sweeps=num_sweeps, key=factor_key
  )
  codes = np.asarray(factors.values >= 0, np.float32)
  return deep.fit(settings, inputs, logistic_loss, targets=codes, key=learn_key)


def logistic_loss(
  outputs: Float[Array, "n b"], codes: Float[Array, "n b"]
) -> Float[Array, ""]:
  """Returns -log p(code), summed over the bits, averaged over the images.

  Each bit has a loss of its own, so that more bits do not lower its step.
  """
  losses = optax.sigmoid_binary_cross_entropy(outputs, codes)
  return jnp.mean(jnp.sum(losses, axis=1))


class Factors(NamedTuple):
  """A similarity matrix as the inner products of relaxed codes.

  Attributes:
    values: H, within [-1, 1].
    errors: the mean of (S - H H^T / b)^2, before the first sweep and after
      each.
  """

  values: Float[Array, "n b"]
  errors: Float[np.ndarray, "t"]


def factorize(
  classes: Int[ArrayLike, "n"],
  *,
  num_bits: int,
  num_sweeps: int,
  key: Key[Array, ""],
) -> Factors:
  """Minimizes ||S - H H^T / b||^2 one entry of H at a time.

  Each entry takes a Newton step, kept within [-1, 1]; one that would raise the
  error is not taken. With Y the classes as indicators, S = 2 Y Y^T - 1 1^T, so
  that neither S nor H H^T is ever formed: a step costs O(b).

  Args:
    classes: from 0 to c - 1.
    num_bits: b.
    num_sweeps: passes over the entries, each in a new order.
    key: of the start, uniform in [-1, 1], and of the orders.

  Returns:
    `Factors(values[n b], errors[num_sweeps + 1])`.
  """
  classes = jnp.asarray(classes, jnp.int32)
  num_classes = int(classes.max()) + 1
  start_key, sweep_key = jax.random.split(key)
  shape = (len(classes), num_bits)
  values = jax.random.uniform(start_key, shape, minval=-1.0)
  errors = [_error(values, classes, num_classes)]
  for order_key in jax.random.split(sweep_key, num_sweeps):
    values = _sweep(values, classes, num_classes, order_key)
    errors.append(_error(values, classes, num_classes))
  return Factors(values, np.asarray(errors))


def _class_sums(values: Array, classes: Array, num_classes: int) -> Array:
  return jax.ops.segment_sum(values, classes, num_classes)


@functools.partial(jax.jit, static_argnames="num_classes")
def _error(values: Array, classes: Array, num_classes: int) -> Array:
  """Expands the square: no term needs more than H^T H and Y^T H."""
  num_points, num_bits = values.shape
  # Means over n keep float32 from adding numbers of the order of n^2.
  gram = values.T @ values / num_points
  sums = _class_sums(values, classes, num_classes) / num_points
  product = 2 * jnp.sum(sums**2) - jnp.sum(jnp.sum(sums, axis=0) ** 2)
  return 1 - 2 * product / num_bits + jnp.sum(gram**2) / num_bits**2


@functools.partial(jax.jit, static_argnames="num_classes")
def _sweep(
  values: Array, classes: Array, num_classes: int, key: Array
) -> Array:
  """Passes over all entries, column after column, both in random order."""
  num_points, num_bits = values.shape
  columns_key, rows_key = jax.random.split(key)
  columns = jax.random.permutation(columns_key, num_bits)
  rows = jax.random.permutation(rows_key, num_points)
  shuffled_classes = classes[rows]

  def descend(shuffled: Array, column: Array) -> tuple[Array, None]:
    new = _descend_column(shuffled, column, shuffled_classes, num_classes)
    return shuffled.at[:, column].set(new), None

  shuffled, _ = jax.lax.scan(descend, values[rows], columns)
  return jnp.zeros_like(values).at[rows].set(shuffled)


def _descend_column(
  values: Array, column: Array, classes: Array, num_classes: int
) -> Array:
  """Returns a column of H after one step of each of its entries.

  With L = H H^T - b S, the objective changes by

      4 g d + 2 (h_j^T h_j + x^2 + L_ii) d^2 + 4 x d^3 + d^4

  when the entry x = H_ij moves by d, where g is the inner product of row i of
  L and column j of H. The first two terms give the step.
  """
  num_bits = values.shape[1]
  entries = values[:, column]
  # What g needs, kept up to date: H^T h_j, Y^T h_j and 1^T h_j.
  start = (
    entries @ values,
    _class_sums(entries, classes, num_classes),
    jnp.sum(entries),
  )

  def move(carry: tuple[Array, ...], row: tuple[Array, Array]) -> Any:
    products, class_sums, total = carry
    codes, group = row
    entry = codes[column]
    slope = codes @ products - num_bits * (2 * class_sums[group] - total)
    curvature = products[column] + entry**2 + codes @ codes - num_bits
    step = jnp.clip(-slope / curvature, -1 - entry, 1 - entry)
    change = 4 * slope * step + 2 * curvature * step**2
    change += 4 * entry * step**3 + step**4
    step = jnp.where(change < 0, step, 0.0)
    products = products + step * codes
    products = products.at[column].add(step * (entry + step))
    sums = class_sums.at[group].add(step)
    return (products, sums, total + step), entry + step

  return jax.lax.scan(move, start, (values, classes))[1]
