"""What a hash network is to those who train it, encode with it and export it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array


class HashModel(NamedTuple):
  """A hash network and what it asks of its inputs.

  Attributes:
    module: the Flax module. It has a field `num_bits`, a field for each of its
      settings, and maps inputs to one real number a bit.
    preprocess: maps the inputs as they are stored to what the module takes.
    image_sizes: the sides in pixels that it takes, the usual one first; none if
      it takes those of the backbone.
    inputs: "images" if it sees UInt8[n s s 3], "features" if it sees the
      backbone's Float[n d].
  """

  module: Callable[..., nn.Module]
  preprocess: Callable[[Array], Array]
  image_sizes: tuple[int, ...]
  inputs: Literal["images", "features"] = "images"

  def build(self, num_bits: int, settings: Mapping[str, Any]) -> nn.Module:
    """Returns the untrained network.

    Args:
      num_bits: b.
      settings: by name; those that the module has no field for are left out.
    """
    fields = {field.name for field in dataclasses.fields(self.module)}  # type: ignore[arg-type]
    own = {name: settings[name] for name in settings if name in fields}
    return self.module(num_bits=num_bits, **own)

  def check(self, num_bits: int, settings: Mapping[str, Any]) -> None:
    """Raises the ValueError that the network would raise once it is used."""
    size = self.image_sizes[0] if self.image_sizes else 8
    shape = (1, size, size, 3) if self.inputs == "images" else (1, size)
    inputs = jax.ShapeDtypeStruct(shape, jnp.float32)
    module = self.build(num_bits, settings)
    jax.eval_shape(module.init, jax.random.key(0), inputs)
