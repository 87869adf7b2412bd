"""A backbone of two layers, which trains and describes at once."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp

from dsth_jax.models.backbones import Backbone, Network


class TwoLayers(nn.Module):
  """Two fully connected layers, with frozen statistics between them."""

  @nn.compact
  def __call__(self, x):
    x = nn.Dense(16, name="first")(x.reshape(x.shape[0], -1))
    x = nn.BatchNorm(use_running_average=True, name="norm")(x)
    return nn.relu(nn.Dense(16, name="second")(x))


@functools.cache
def _variables():
  image = jnp.zeros((1, 8, 8, 3))
  return jax.jit(TwoLayers().init)(jax.random.key(5), image)


def _network(weights):
  del weights
  return Network(TwoLayers(), _variables())


def _load(weights):
  network = _network(weights)
  return lambda images: network.module.apply(network.variables, images)


TINY_BACKBONE = Backbone(
  _load,
  lambda pixels: pixels.astype(jnp.float32) / 255 - 0.5,
  num_features=16,
  image_size=8,
  network=_network,
  last=("second",),
)
