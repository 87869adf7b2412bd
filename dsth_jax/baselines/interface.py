"""What a baseline is to the code that compares them."""

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from jax import Array
from jaxtyping import Shaped, UInt8

from dsth_jax.types import ArrayLike


@runtime_checkable
class Encoder(Protocol):
  """A fitted method."""

  def encode(self, inputs: Shaped[ArrayLike, "n ..."]) -> UInt8[Array, "n b"]:
    """Returns codes of 0 and 1, one row per image."""


class Baseline(NamedTuple):
  """One method.

  Every `fit(inputs, labels=None, *, num_bits, key, ...) -> Encoder` takes

  * inputs: Float[n d] features or UInt8[n s s 3] images, one row per image;
  * labels: Int[n] or names, the class of each image; unused if the method is
    not supervised;
  * num_bits: b;
  * key: of everything that is drawn;
  * features: only where images are the inputs, Float[n d], the backbone's
    features of them;

  and the method's own settings as further keywords. It raises ValueError for
  inputs it cannot learn from and for settings out of range.

  Attributes:
    fit: the function.
    inputs: which of the two kinds it learns from and encodes.
    supervised: whether it needs labels.
    needs_features: whether it needs `features`.
    name: in tables and plots; the key in `BASELINES` if it is empty.
    description: what the method is, in one sentence.
  """

  fit: Callable[..., Encoder]
  inputs: Literal["features", "images"] = "features"
  supervised: bool = False
  needs_features: bool = False
  name: str = ""
  description: str = ""
