"""Clear and even bits, the same for a rotated image (DeepBit)."""

import functools

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, Shaped, UInt8

from dsth_jax.baselines import deep, image_inputs, similarity, views
from dsth_jax.types import ArrayLike


def fit(
  images: UInt8[ArrayLike, "n s s 3"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  features: Float[ArrayLike, "n d"] | None = None,
  network: str = "simplenet",
  num_epochs: int = 5,
  batch_size: int = 128,
  learning_rate: float = 3e-3,
  evenness: float = 1.0,
  invariance: float = 0.001,
  max_angle: float = 10.0,
) -> deep.ImageEncoder:
  """Tunes a pretrained network's last layer to clear, even and steady bits.

  The paper starts from a VGG with ImageNet's weights, leaves them alone, and
  learns one layer of bits on top. There are no such weights for a small
  network, so it first learns, for as many epochs again, outputs whose cosines
  are those of `features`. Without features the layers below the last stay as
  drawn, and codes see little more than pixels do. They are not to be trained
  by this loss: nothing in it asks for bits that differ, and all become one.

  Args:
    images: uint8 pixels.
    labels: unused.
    num_bits: b.
    key: of the weights, the order of the images and the views.
    features: of a pretrained network, one row an image, or None.
    network: a name in `dsth_jax.models.HASH_MODELS`.
    num_epochs: passes over the images, for features and bits each.
    batch_size: images a step, each straight and rotated.
    learning_rate: at its peak.
    evenness: see `bit_loss`; this and the next as the authors' files set them.
    invariance: see `bit_loss`.
    max_angle: in degrees, see `rotated_views`.

  Returns:
    The encoder; a bit is the sign of its output.

  Raises:
    ValueError: images or features cannot be learned from, see `image_inputs`.

  References:
    Lin et al., Learning compact binary descriptors with unsupervised deep
    neural networks, CVPR 2016. "DeepBit" in the paper's comparison.
  """
  del labels
  training = deep.Training(num_epochs, batch_size, learning_rate)
  images = image_inputs.checked_images(
    "deepbit", images, training, num_bits=num_bits
  )
  start_key, learn_key = jax.random.split(key)
  model = deep.make_network(
    "deepbit", network, num_bits=num_bits, activation="identity"
  )
  start = None
  if features is not None:
    features = image_inputs.checked_features(
      "deepbit", features, num_images=len(images), num_bits=num_bits
    )
    start = deep.learn(
      model,
      images,
      features,
      similarity.cosine_error,
      training=training,
      key=start_key,
    ).variables
  trained = deep.learn(
    model,
    images,
    None,
    functools.partial(bit_loss, evenness=evenness, invariance=invariance),
    augmentation=functools.partial(rotated_views, max_angle=max_angle),
    start=start,
    only="bits",
    training=training,
    key=learn_key,
  )
  return deep.make_encoder(model, trained, image_size=images.shape[1])


def rotated_views(
  pixels: UInt8[Array, "n s s 3"], key: Key[Array, ""], *, max_angle: float
) -> Float[Array, "v s s 3"]:
  """Returns the images and, after them, the same rotated by random angles.

  The paper sums over a few angles with weights exp(-angle^2 / 2 s^2). Drawing
  one angle an image with that density, s half of the largest, costs one view
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

  In the last two b hands its gradient on to u as it is.

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
