"""What pairs of a query and a database row are counted by."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Int32, Shaped, UInt8

from dsth_jax import hamming
from dsth_jax.metrics import relevance as labels_


@jax.jit
def bins(
  codes: tuple[UInt8[Array, "q w"], UInt8[Array, "m w"]],
  labels: tuple[Shaped[Array, "q *c"], Shaped[Array, "m *c"]],
) -> Int32[Array, "q m"]:
  """Twice the distance, plus one if relevant."""
  relevant = labels_.relevance(*labels)
  return 2 * hamming.distances(*codes) + relevant.astype(jnp.int32)


def num_bins(num_bytes: int) -> int:
  """Returns how many bins codes of so many bytes can fall into."""
  return 2 * (8 * num_bytes + 1)
