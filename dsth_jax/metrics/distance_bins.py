"""The histogram bins of pairs of a query and a database row."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Int32, Shaped, UInt8

from dsth_jax import hamming
from dsth_jax.metrics import relevance


@jax.jit
def bins(
  codes: tuple[UInt8[Array, "q w"], UInt8[Array, "m w"]],
  labels: tuple[Shaped[Array, "q *c"], Shaped[Array, "m *c"]],
) -> Int32[Array, "q m"]:
  """Returns twice the distance, plus one if relevant."""
  relevant = relevance.relevance(*labels)
  return 2 * hamming.distances(*codes) + relevant.astype(jnp.int32)


def num_bins(num_bytes: int) -> int:
  """Returns the number of bins for codes of `num_bytes` bytes."""
  return 2 * (8 * num_bytes + 1)
