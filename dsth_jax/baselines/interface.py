"""What a baseline is to the code that compares them."""

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from jax import Array
from jaxtyping import Shaped, UInt8

from dsth_jax.baselines.recipe import FROM_PIXELS, Recipe
from dsth_jax.types import ArrayLike

Views = Callable[[Array, Array], Array]


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
  * views: only where `views` makes them, Float[n v d], the backbone's features
    of v random views of each image; may be a memory map;

  and the method's own settings as further keywords. It raises ValueError for
  inputs it cannot learn from and for settings out of range.

  Attributes:
    fit: the function, or a partial of it.
    inputs: which of the two kinds it learns from and encodes.
    supervised: whether it needs labels.
    needs_features: whether it needs `features`.
    network: the hash network that it trains, a name in `HASH_MODELS`; empty if
      it trains none.
    views: `views(pixels, key)` returns a random view of each image, for methods
      on features that learn from views.
    name: in tables and plots; the key in `BASELINES` if it is empty.
    description: what the method is, in one sentence.
  """

  fit: Callable[..., Encoder]
  inputs: Literal["features", "images"] = "features"
  supervised: bool = False
  needs_features: bool = False
  network: str = ""
  views: Views | None = None
  name: str = ""
  description: str = ""

  @property
  def function(self) -> Callable[..., Encoder]:
    """The function behind `fit`, whose source counts."""
    fit = self.fit
    while isinstance(fit, functools.partial):
      fit = fit.func
    return fit


def two_modes(
  key: str,
  fit: Callable[..., Encoder],
  *,
  name: str,
  description: str,
  supervised: bool = False,
  needs_features: bool = False,
  views: Views | None = None,
) -> dict[str, Baseline]:
  """Returns the two entries of a deep method.

  * `KEY`, as its authors have it: a head on the features of a frozen backbone.
  * `KEY_simplenet`: SimpleNet, trained from pixels and from scratch.

  Args:
    key: of the first entry.
    fit: takes a `Recipe` as `recipe=`, by default that of the first entry.
    name: of the method.
    description: what it is, without the period.
    supervised: see `Baseline`.
    needs_features: see `Baseline`; of the second entry.
    views: see `Baseline`; of the first entry.
  """
  head = Baseline(
    fit,
    supervised=supervised,
    network=Recipe().network,
    views=views,
    name=name,
    description=f"{description}; here a head on the backbone's features.",
  )
  from_pixels = Baseline(
    functools.partial(fit, recipe=FROM_PIXELS),
    inputs="images",
    supervised=supervised,
    needs_features=needs_features,
    network=FROM_PIXELS.network,
    name=f"{name}, SimpleNet",
    description=f"{description}; here SimpleNet, trained from pixels.",
  )
  return {key: head, f"{key}_simplenet": from_pixels}
