"""What training a backbone further asks of the other settings."""

from ml_collections import ConfigDict

from dsth_jax import features
from dsth_jax.models.backbones import BACKBONES
from dsth_jax.models.hash_models import trunk

_NOT_NEGATIVE = ("num_epochs", "num_labelled", "image_size", "shift")


def check(config: ConfigDict) -> None:
  """Raises ValueError for settings of `features.fine_tuning` that cannot work.

  Also for a backbone without pretrained weights where nothing trains it.
  """
  recipe = config.features.fine_tuning
  for field in (*_NOT_NEGATIVE, "weight_decay"):
    if recipe[field] < 0:
      raise ValueError(
        f"config.features.fine_tuning.{field} is {recipe[field]}: set 0 or more."
      )
  if recipe.learning_rate <= 0:
    raise ValueError(
      "config.features.fine_tuning.learning_rate is "
      f"{recipe.learning_rate}: set a number above 0, such as 0.001."
    )
  if config.features.file:
    if recipe.num_epochs:
      raise ValueError(
        "config.features.fine_tuning trains a backbone, but features.file "
        "holds finished features: name a backbone (features.backbone) in place "
        "of the file, or set features.fine_tuning.num_epochs to 0."
      )
    return
  parts = features.check_backbones(
    config.features.backbone, config.features.weights
  )
  for name, weights in parts:
    if recipe.num_epochs:
      _check_trainable(name, recipe.trainable)
    if name in BACKBONES and not BACKBONES[name].is_pretrained:
      _check_from_scratch(config, name, weights)


def _check_trainable(name: str, trainable: str) -> None:
  """Refuses a backbone that has nothing to train, or no last layers."""
  if name not in BACKBONES or BACKBONES[name].network is None:
    known = [other for other in sorted(BACKBONES) if BACKBONES[other].network]
    raise ValueError(
      f"config.features.fine_tuning trains the backbone, but {name} has no "
      f"weights that can be trained here: take {' or '.join(known)}, or set "
      "features.fine_tuning.num_epochs to 0."
    )
  record = BACKBONES[name]
  if trainable == "last" and record.is_pretrained and not record.last:
    raise ValueError(
      f"config.features.fine_tuning.trainable is 'last', but {name} does not "
      "name its last layers: set all."
    )


def _check_from_scratch(config: ConfigDict, name: str, weights: str) -> None:
  """Refuses what a backbone without pretrained weights cannot do."""
  recipe = config.features.fine_tuning
  if not recipe.num_epochs:
    raise ValueError(
      f"config.features.backbone is {name}, which has no pretrained weights: "
      "train it with class labels, by features.fine_tuning.num_epochs of 1 or "
      "more, or take another backbone."
    )
  if weights:
    raise ValueError(
      f"config.features.weights names {weights} for {name}, which is trained "
      "from scratch: leave it empty."
    )
  size = config.features.image_size or features.image_size(
    config.features.backbone
  )
  if size not in trunk.WIDTHS or recipe.image_size not in (0, size):
    raise ValueError(
      f"config.features.image_size is {size} and features.fine_tuning."
      f"image_size {recipe.image_size}, but {name} takes "
      f"{' or '.join(map(str, trunk.WIDTHS))} pixels a side in both: set the "
      "first to one of them, and the second to 0."
    )
