"""DeepBit: clear and balanced bits that rotations of the image do not change.

The paper freezes a VGG with ImageNet's weights and learns one layer of bits on
top. A head on the backbone's features does the same. SimpleNet has no such
weights: it first learns outputs with the cosines of the backbone's features, and
its last layer then learns the bits. The loss of the bits must not train the
other layers: it does not ask for bits that differ from each other, and all bits
would become the same.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, Num, PyTree, Shaped, UInt8

from dsth_jax import train
from dsth_jax.baselines import deep, deep_inputs, similarity
from dsth_jax.baselines import views as image_views
from dsth_jax.baselines.recipe import Recipe
from dsth_jax.types import ArrayLike

# Those of the authors' files, without the drop of their learning rate.
RECIPE = Recipe(optimizer="sgd", learning_rate=1e-3, batch_size=32)
# In degrees.
_MAX_ANGLE = 10.0


def fit(
  inputs: Shaped[ArrayLike, "n ..."],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  features: Float[ArrayLike, "n d"] | None = None,
  views: Float[ArrayLike, "n v d"] | None = None,
  recipe: Recipe = RECIPE,
  evenness: float = 1.0,
  invariance: float = 0.001,
) -> deep.NetworkEncoder:
  """Trains the last layer for clear, balanced and rotation-invariant bits.

  A network on images first learns outputs with the cosines of the features, for
  as many epochs. `Baseline` and `Recipe` describe the shared arguments.

  Settings:
    evenness: see `bit_loss`; default as in the authors' files.
    invariance: see `bit_loss`; default as in the authors' files.

  Returns:
    The encoder; a bit is the sign of an output.

  Raises:
    ValueError: see `deep_inputs.with_features` and `deep_inputs.checked_views`.

  References:
    Lin et al., Learning compact binary descriptors with unsupervised deep
    neural networks, CVPR 2016. "DeepBit" in the paper's comparison.
  """
  del labels
  settings = deep.Settings("deepbit", num_bits, recipe)
  start_key, learn_key = jax.random.split(key)
  inputs, features = deep_inputs.with_features(settings, inputs, features)
  start, seen = None, inputs
  augmentation: train.Augment = straight_and_rotated
  if settings.sees_features:
    views = deep_inputs.checked_views(settings, inputs, views, least=1)
    seen = np.concatenate([inputs[:, None], views], axis=1)
    augmentation = draw_rotated
  else:
    start = _learn_cosines(settings, inputs, features, start_key)
  model = deep.make_network(settings)
  trained = deep.learn(
    settings,
    model,
    seen,
    functools.partial(bit_loss, evenness=evenness, invariance=invariance),
    targets=None,
    augmentation=augmentation,
    start=start,
    only="bits",
    key=learn_key,
  )
  item_shape = deep.item_shape(settings, inputs)
  return deep.make_encoder(settings, model, trained, item_shape)


def _learn_cosines(
  settings: deep.Settings,
  inputs: np.ndarray,
  features: np.ndarray,
  key: Array,
) -> PyTree[Array]:
  """Returns the variables of a network trained on the features' cosines."""
  return deep.learn(
    settings,
    deep.make_network(settings),
    inputs,
    similarity.cosine_error,
    targets=features,
    key=key,
  ).variables


def rotated(
  pixels: Num[Array, "n s s 3"], key: Key[Array, ""]
) -> Float[Array, "n s s 3"]:
  """Returns each image rotated by a random angle.

  The paper sums over a few angles with weights exp(-angle^2 / 2 s^2). Drawing
  one angle per image with that density, s half of the largest, costs one view
  and has the same mean.
  """
  normal = jax.random.truncated_normal(key, -2.0, 2.0, (len(pixels),))
  angles = jnp.deg2rad(_MAX_ANGLE / 2 * normal)
  return image_views.rotate(pixels.astype(jnp.float32), angles)


def straight_and_rotated(
  pixels: UInt8[Array, "n s s 3"], key: Key[Array, ""]
) -> Float[Array, "v s s 3"]:
  """Returns the images and, after them, the same rotated by random angles."""
  augment_key, angle_key = jax.random.split(key)
  straight = deep.AUGMENTATION(pixels, augment_key).astype(jnp.float32)
  return jnp.concatenate([straight, rotated(straight, angle_key)])


def draw_rotated(
  views: Float[Array, "n v d"], key: Key[Array, ""]
) -> Float[Array, "m d"]:
  """Returns the first view of each image and, after them, one of the others."""
  num_images, num_views = views.shape[:2]
  drawn = jax.random.randint(key, (num_images,), 1, num_views)
  rows = jnp.arange(num_images)
  return jnp.concatenate([views[:, 0], views[rows, drawn]])


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

  In the last two b passes its gradient to u as it is. The authors' program takes
  one half of each term, weights the third by the angle, and divides the second
  by the number of images in the batch, which leaves little of it.

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
