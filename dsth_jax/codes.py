"""Thresholds, binary codes and their packed form.

>>> import numpy as np
>>> values = np.array([[0.1, -2.0], [0.4, 1.0], [-0.5, 1.0]], np.float32)
>>> bits = binarize(values, mean_thresholds(values))
>>> np.asarray(bits)
array([[1, 0],
       [1, 1],
       [0, 1]], dtype=uint8)
>>> np.asarray(pack(bits))
array([[128],
       [192],
       [ 64]], dtype=uint8)
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, UInt8

from dsth_jax import spectral
from dsth_jax.types import ArrayLike

# Eq. 22 cuts a sigmoid's outputs, and so those of ReLU, at one half.
HALF = 0.5


def mean_thresholds(values: Float[ArrayLike, "n b"]) -> Float[Array, "b"]:
  """Returns the mean of every bit's values (Eq. 14)."""
  return jnp.mean(jnp.asarray(values, jnp.float32), axis=0)


def median_thresholds(values: Float[ArrayLike, "n b"]) -> Float[Array, "b"]:
  """Returns the median of every bit's values.

  Each bit is one for half of the points up to ties (the constraint of Eq. 2),
  which the mean of Eq. 14 only approaches.
  """
  return jnp.median(jnp.asarray(values, jnp.float32), axis=0)


def half_thresholds(values: Float[ArrayLike, "n b"]) -> Float[Array, "b"]:
  """Returns one half for every bit (Eq. 22), for the outputs of a sigmoid."""
  return jnp.full(values.shape[1], HALF)


THRESHOLDS = {"mean": mean_thresholds, "median": median_thresholds}


def binarize(
  values: Float[ArrayLike, "n b"], thresholds: Float[ArrayLike, "b"]
) -> UInt8[Array, "n b"]:
  """Returns 1 where a value reaches its bit's threshold, else 0 (Eq. 13)."""
  is_one = jnp.asarray(values) >= jnp.asarray(thresholds)[None, :]
  return is_one.astype(jnp.uint8)


class Rotation(NamedTuple):
  """An orthogonal map found by ITQ, and the rotated values.

  Attributes:
    values: the centered input times `matrix`, to be thresholded.
    matrix: orthogonal.
  """

  values: Float[Array, "n b"]
  matrix: Float[Array, "b b"]


@functools.partial(jax.jit, static_argnames="num_iters")
def itq_rotation(
  values: Float[ArrayLike, "n b"], *, num_iters: int = 50, key: Key[Array, ""]
) -> Rotation:
  """Rotates centered values towards the corners of the hypercube.

  Alternates the two exact minimizers of ||B - V R||_F over B in {-1, 1} and
  over orthogonal R, from a random rotation; the objective never rises.

  Args:
    values: one column per bit; centered here.
    num_iters: alternations; 50 in the reference.
    key: draws the first rotation.

  Returns:
    `Rotation(values[n b], matrix[b b])`.

  References:
    Gong and Lazebnik, Iterative quantization, CVPR 2011, section 2.2.
  """
  values = jnp.asarray(values, jnp.float32)
  centered = values - jnp.mean(values, axis=0, keepdims=True)
  product = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
  num_bits = centered.shape[1]

  def alternate(_: Array, rotation: Array) -> Array:
    corners = jnp.where(product(centered, rotation) >= 0, 1.0, -1.0)
    left, _singular, right = jnp.linalg.svd(product(centered.T, corners))
    return product(left, right)

  start, _ = jnp.linalg.qr(jax.random.normal(key, (num_bits, num_bits)))
  matrix = jax.lax.fori_loop(0, num_iters, alternate, start)
  return Rotation(product(centered, matrix), matrix)


def diffusion_rotation(
  embedding: spectral.Embedding,
  *,
  diffusion_time: float = 8.0,
  num_iters: int = 50,
  key: Key[Array, ""],
) -> Rotation:
  """Spreads the smooth eigenvectors over all bits; an extension of the paper.

  A step of diffusion on the graph multiplies a Laplacian eigenvector of
  eigenvalue lambda by 1 - lambda. Weights of (1 - lambda)^diffusion_time
  therefore give the diffusion map, in which the local, late eigenvectors have
  little weight; the ITQ rotation then makes every bit a mixture of the smooth
  ones, instead of one bit per eigenvector.

  Args:
    embedding: the eigenpairs of L v = lambda D v (Eq. 12).
    diffusion_time: 0 rotates the plain embedding. More images want more: of
      CIFAR-10, 4 is best for 1,500 images, 8 for 6,000, 12 for 20,000
      (docs/cifar10.md). 32 leaves too few eigenvectors.
    num_iters: alternations of ITQ.
    key: draws ITQ's first rotation.

  Returns:
    `Rotation(values[n b], matrix[b b])`; thresholds follow.

  References:
    Coifman and Lafon, Diffusion maps, ACHA 2006, for the weighting.
  """
  # Eigenvectors of eigenvalues above 1 oscillate: they get no weight.
  weights = jnp.clip(1.0 - embedding.eigenvalues, 0.0) ** diffusion_time
  weighted = embedding.vectors * weights[None, :]
  return itq_rotation(weighted, num_iters=num_iters, key=key)


def pack(codes: UInt8[ArrayLike, "n b"]) -> UInt8[Array, "n w"]:
  """Returns eight bits per byte, most significant first, spare bits zero.

  Raises:
    ValueError: the codes are no matrix, or hold anything but 0 and 1. Inside of
      `jax.jit`, where values are not known, only the type is checked.
  """
  _check_bits(codes)
  return jnp.packbits(jnp.asarray(codes), axis=1)


def unpack(
  packed: UInt8[ArrayLike, "n w"], num_bits: int
) -> UInt8[Array, "n b"]:
  """Returns the codes that `pack` has packed.

  Raises:
    ValueError: these are no packed codes, or `num_bits` does not fill their
      bytes.
  """
  check_packed("packed", packed)
  num_bytes = packed.shape[1]
  if not 8 * (num_bytes - 1) < num_bits <= 8 * num_bytes:
    raise ValueError(
      f"num_bits is {num_bits}, but codes of {num_bytes} bytes hold "
      f"{8 * num_bytes - 7} to {8 * num_bytes} bits: pass the number of bits "
      "that were packed."
    )
  # jnp.unpackbits divides by zero on an empty database.
  shifts = jnp.arange(7, -1, -1, dtype=jnp.uint8)
  bits = (jnp.asarray(packed)[:, :, None] >> shifts[None, None, :]) & 1
  return bits.reshape(packed.shape[0], 8 * num_bytes)[:, :num_bits]


def check_packed(name: str, packed: Any) -> None:
  """Raises ValueError unless `packed` is a matrix of packed codes."""
  if not _is_matrix(packed) or packed.dtype != np.uint8 or not packed.shape[1]:
    raise ValueError(
      f"{name} are {_kind(packed)}, but packed codes uint8[rows, bytes] are "
      "needed: pass what codes.pack returned."
    )


def _check_bits(codes: Any) -> None:
  if not _is_matrix(codes) or codes.dtype.kind not in "bui":
    raise ValueError(
      f"codes are {_kind(codes)}, but a matrix of integers 0 and 1 is needed, a "
      "row an image: pass what codes.binarize returned."
    )
  if isinstance(codes, jax.core.Tracer) or not codes.size:
    return
  least, largest = int(codes.min()), int(codes.max())
  if least < 0 or largest > 1:
    raise ValueError(
      f"codes range from {least} to {largest}, but bits are 0 and 1: pass "
      "codes > 0 if they are -1 and 1."
    )


def _is_matrix(array: Any) -> bool:
  return hasattr(array, "dtype") and array.ndim == 2


def _kind(array: Any) -> str:
  """Names the type and shape of an array, or of what is none."""
  if hasattr(array, "dtype"):
    return f"{array.dtype}{list(array.shape)}"
  return f"a {type(array).__name__}"
