"""DeepBit: clear and balanced bits that rotations of the image do not change.

The paper freezes a VGG with ImageNet's weights and learns one layer of bits on
top. The hash networks here have no such weights. So the network first learns
outputs with the cosines of the backbone's features; its last layer then learns
the bits. Without features the other layers keep their random weights, and codes
depend on little more than pixels. The loss of the bits must not train them: it
does not ask for bits that differ from each other, and all bits would become the
same.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, PyTree, Shaped, UInt8

from dsth_jax.baselines import deep, deep_inputs, similarity, views
from dsth_jax.models import hash_models
from dsth_jax.types import ArrayLike


def fit(
  images: UInt8[ArrayLike, "n s s 3"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  features: Float[ArrayLike, "n d"] | None = None,
  network: str = hash_models.DEFAULT,
  num_epochs: int = 5,
  batch_size: int = 128,
  learning_rate: float = 3e-3,
  evenness: float = 1.0,
  invariance: float = 0.001,
  max_angle: float = 10.0,
) -> deep.ImageEncoder:
  """Trains the last layer for clear, balanced and rotation-invariant bits.

  If there are `features`, the whole network first learns outputs with their
  cosines, for `num_epochs`. The last layer then has as many epochs.
  `Baseline.fit` and `deep.Settings` describe the shared arguments.

  Settings:
    evenness: see `bit_loss`; default as in the authors' files.
    invariance: see `bit_loss`; default as in the authors' files.
    max_angle: in degrees, see `rotated_views`.

  Returns:
    The encoder; a bit is the sign of an output.

  Raises:
    ValueError: see `deep_inputs`.

  References:
    Lin et al., Learning compact binary descriptors with unsupervised deep
    neural networks, CVPR 2016. "DeepBit" in the paper's comparison.
  """
  del labels
  settings = deep.Settings(
    "deepbit", num_bits, network, num_epochs, batch_size, learning_rate
  )
  start_key, learn_key = jax.random.split(key)
  start = None
  if features is None:
    images = deep_inputs.checked_images(settings, images)
  else:
    images, features = deep_inputs.with_features(settings, images, features)
    start = _learn_cosines(settings, images, features, start_key)
  model = deep.make_network(settings)
  trained = deep.learn(
    settings,
    model,
    images,
    functools.partial(bit_loss, evenness=evenness, invariance=invariance),
    targets=None,
    augmentation=functools.partial(rotated_views, max_angle=max_angle),
    start=start,
    only="bits",
    key=learn_key,
  )
  return deep.make_encoder(settings, model, trained, images.shape[1:])


def _learn_cosines(
  settings: deep.Settings,
  images: np.ndarray,
  features: np.ndarray,
  key: Array,
) -> PyTree[Array]:
  """Returns the variables of a network trained on the features' cosines."""
  return deep.learn(
    settings,
    deep.make_network(settings),
    images,
    similarity.cosine_error,
    targets=features,
    key=key,
  ).variables


def rotated_views(
  pixels: UInt8[Array, "n s s 3"], key: Key[Array, ""], *, max_angle: float
) -> Float[Array, "v s s 3"]:
  """Returns the images and, after them, the same rotated by random angles.

  The paper sums over a few angles with weights exp(-angle^2 / 2 s^2). Drawing
  one angle per image with that density, s half of the largest, costs one view
  and has the same mean.
  """
  augment_key, angle_key = jax.random.split(key)
  straight = deep.AUGMENTATION(pixels, augment_key).astype(jnp.float32)
  normal = jax.random.truncated_normal(angle_key, -2.0, 2.0, (len(pixels),))
  angles = jnp.deg2rad(max_angle / 2 * normal)
  return jnp.concatenate([straight, views.rotate(straight, angles)])


def bit_loss(
  outputs: Float[Array, "v b"],
  targets: None,
  *,
  evenness: float,
  invariance: float,
) -> Float[Array, ""]:
  """Sums what unclear, uneven and unsteady bits cost.

      mean_i ||(b_i - 1/2) - u_i||^2             b = [u >= 0]
        + evenness sum_k (mean_i b_ik - 1/2)^2
        + invariance mean_i ||b'_i - b_i||^2     b' of the rotated image

  In the last two b passes its gradient to u as it is.

  Args:
    outputs: u, of straight images and then of rotated ones.
    targets: there are none.
    evenness: weight.
    invariance: weight.
  """
  del targets
  hard = jnp.where(outputs >= 0, 1.0, 0.0)
  quantization = jnp.mean(jnp.sum((hard - 0.5 - outputs) ** 2, axis=1))
  bits = deep.straight_through(outputs, hard)
  uneven = jnp.sum((jnp.mean(bits, axis=0) - 0.5) ** 2)
  straight, rotated = jnp.split(bits, 2)
  moved = jnp.mean(jnp.sum((rotated - straight) ** 2, axis=1))
  return quantization + evenness * uneven + invariance * moved
