"""What a baseline is to those who compare them."""

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from jax import Array
from jaxtyping import Shaped, UInt8

from dsth_jax.types import ArrayLike


@runtime_checkable
class Encoder(Protocol):
  """A fitted method."""

  def encode(self, inputs: Shaped[ArrayLike, "n ..."]) -> UInt8[Array, "n b"]:
    """Returns codes of 0 and 1, one row an image."""


class Baseline(NamedTuple):
  """One method.

  Attributes:
    fit: `fit(inputs, labels, *, num_bits, key) -> Encoder`, with the method's
      own settings as further keywords.
    inputs: what it sees: Float[n d] features or UInt8[n s s 3] images.
    supervised: whether it needs one class label an image, Int[n].
    needs_features: whether one that sees images is to be told their features
      too, as `fit(..., features=Float[n d])`.
    name: in tables and plots; the key in `BASELINES` if it is empty.
    description: what the method is, in one sentence.
  """

  fit: Callable[..., Encoder]
  inputs: Literal["features", "images"] = "features"
  supervised: bool = False
  needs_features: bool = False
  name: str = ""
  description: str = ""
