"""Training a backbone further, with class labels and a classifier on top."""

from collections.abc import Collection
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float, Int, Key

from dsth_jax.train import steps
from dsth_jax.types import ArrayLike

_BACKBONE, _CLASSIFIER = "backbone", "classifier"


class Classifier(nn.Module):
  """A backbone and a linear classifier on its features.

  Attributes:
    backbone: maps preprocessed images to features.
    num_classes: c.
    is_pretrained: leaves the batch statistics of the backbone as they are, as
      those of a large set are better than those of a few images. A backbone
      that is trained from scratch normalizes by the batch.
  """

  backbone: nn.Module
  num_classes: int
  is_pretrained: bool = True

  @nn.compact
  def __call__(
    self, x: Float[Array, "n s s 3"], train: bool = False
  ) -> Float[Array, "n c"]:
    """Returns one logit a class."""
    mode = {} if self.is_pretrained else {"train": train}
    features = self.backbone(x, **mode)
    return nn.Dense(self.num_classes, name=_CLASSIFIER)(features)


def cross_entropy(
  logits: Float[Array, "n c"], classes: Int[Array, "n"]
) -> Float[Array, ""]:
  """Returns the mean cross-entropy of a batch."""
  return jnp.mean(
    optax.softmax_cross_entropy_with_integer_labels(logits, classes)
  )


def freeze(
  optimizer: optax.GradientTransformation, trained: Collection[str] | None
) -> optax.GradientTransformation:
  """Limits an optimizer to some layers of the backbone and the classifier.

  No gradient is computed where no update needs it, so that a step goes back
  only to the first of these layers.

  Args:
    optimizer: of the parameters that are trained.
    trained: names of the layers; None for all.
  """
  if trained is None:
    return optimizer

  def groups(params: Any) -> Any:
    backbone = {
      name: "trained" if name in trained else "frozen"
      for name in params[_BACKBONE]
    }
    return {_BACKBONE: backbone, _CLASSIFIER: "trained"}

  parts = {"trained": optimizer, "frozen": optax.set_to_zero()}
  return optax.multi_transform(parts, groups)


def start(
  model: Classifier,
  variables: dict[str, Any],
  optimizer: optax.GradientTransformation,
  *,
  image_size: int,
  mesh: jax.sharding.Mesh,
  key: Key[Array, ""],
) -> steps.TrainState:
  """Returns the state before the first step.

  Args:
    model: from a backbone.
    variables: of the backbone; empty to draw them.
    optimizer: from `freeze`.
    image_size: s.
    mesh: of the step.
    key: draws all parameters that are not given.

  Raises:
    ValueError: the backbone does not take images of this size.
  """
  item_shape = (image_size, image_size, 3)
  if not variables:
    return steps.init(
      model, optimizer, item_shape=item_shape, mesh=mesh, key=key
    )
  image = jax.ShapeDtypeStruct((1, *item_shape), jnp.float32)
  shapes = jax.eval_shape(model.init, key, image)
  needed = {name: shapes[name][_BACKBONE] for name in shapes}
  if jax.tree.map(_shape, needed) != jax.tree.map(_shape, variables):
    raise ValueError(
      f"the backbone has other parameters for images of {image_size} pixels a "
      "side than its weights: set features.fine_tuning.image_size to the size "
      "that it was trained on."
    )
  all_variables: dict[str, Any] = {
    name: {_BACKBONE: tree} for name, tree in variables.items()
  }
  num_features = shapes["params"][_CLASSIFIER]["kernel"].shape[0]
  dense = nn.Dense(model.num_classes)
  drawn = jax.jit(dense.init)(key, jnp.zeros((1, num_features)))
  all_variables["params"][_CLASSIFIER] = drawn["params"]
  return steps.start_from(all_variables, optimizer, mesh=mesh)


def _shape(leaf: Any) -> tuple[int, ...]:
  return tuple(leaf.shape)


def split(variables: Any) -> tuple[dict[str, Any], dict[str, Any]]:
  """Returns the variables of the backbone, and the classifier's parameters."""
  backbone = {name: tree[_BACKBONE] for name, tree in variables.items()}
  return backbone, variables["params"][_CLASSIFIER]


def accuracy(
  features: Float[ArrayLike, "n d"],
  classifier: dict[str, Any],
  classes: Int[ArrayLike, "n"],
) -> float:
  """Returns the share of images whose class has the highest logit.

  Args:
    features: of the backbone that was trained with the classifier.
    classifier: from `split`.
    classes: of each image; a class that the classifier does not know is wrong.
  """
  rows = np.asarray(features, np.float32)
  kernel, bias = (np.asarray(classifier[n]) for n in ("kernel", "bias"))
  predicted = np.argmax(rows @ kernel + bias, axis=1)
  return float(np.mean(predicted == np.asarray(classes)))


def proportional_rows(
  classes: Int[np.ndarray, "n"], num_rows: int, *, seed: int
) -> Int[np.ndarray, "r"]:
  """Draws images without replacement, in proportion to the classes.

  Each class gets one image. The others go, one by one, to the class that is
  furthest below its share.

  Args:
    classes: 0 to c - 1, of each image; every class occurs.
    num_rows: from c to n; 0 for all.
    seed: of the draw.

  Returns:
    Rows in ascending order.

  Raises:
    ValueError: there are fewer images, or more classes.
  """
  sizes = np.bincount(classes)
  num_rows = num_rows or len(classes)
  if not len(sizes) <= num_rows <= len(classes):
    raise ValueError(
      f"num_labelled is {num_rows}, but there are {len(classes)} labelled "
      f"training images in {len(sizes)} classes: set a number from "
      f"{len(sizes)} to {len(classes)}, or 0 for all."
    )
  lacking = sizes * (num_rows / len(classes)) - 1
  counts = np.ones_like(sizes)
  for _ in range(num_rows - len(sizes)):
    number = np.argmax(lacking)
    counts[number] += 1
    lacking[number] -= 1
  rng = np.random.default_rng(seed)
  drawn = [
    rng.permutation(np.flatnonzero(classes == number))[:count]
    for number, count in enumerate(counts)
  ]
  return np.sort(np.concatenate(drawn))
