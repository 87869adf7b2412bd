"""All methods on CIFAR-10 from a folder, official split.

    python -m dsth_jax.compare --config=configs/compare_cifar10.py \
        --config.data.root=FOLDER --workdir=runs/compare_cifar10

FOLDER holds `train/CLASS/*.jpg` and `test/CLASS/*.jpg`. Features of another
backbone, or of an earlier run, are `--config.features.file=FEATURES.npy`. With
features and class numbers the shallow methods need no images; here with the
split of 10,000 random queries:

    python -m dsth_jax.compare --config=configs/compare_cifar10.py:shallow \
        --config.data.name=features --config.features.file=FEATURES.npy \
        --config.data.labels_file=LABELS.npy --config.data.protocol=cifar10-2

A head on features is trained in seconds to minutes: `:heads` has them all. SimpleNet
takes some 20 minutes on two cores, as DSTH or with another method:
`:networks` has them all. Some methods are
`--config.compare.methods="('dsth','itq')" --config.compare.num_bits="(48,)"`; a later
call with more methods keeps what is measured.

DeepBit and CIBHash as heads learn from views of the images, which the backbone
describes once: leave them out where only features are there. The field's protocols
with 5,000 training images are `--config.data.protocol=cifar10-1` and
`--config.data.protocol=cifar10-official`.
"""

from ml_collections import ConfigDict

from dsth_jax.config import (
  DSTH_METHODS,
  FROM_PIXELS,
  HEADS,
  METHODS,
  SHALLOW,
  base_config,
  check_setting,
)

_METHODS = {
  "all": METHODS,
  "shallow": SHALLOW,
  "heads": ("dsth_frozen_backbone", *SHALLOW, *HEADS),
  "networks": (*DSTH_METHODS, *FROM_PIXELS),
}


def get_config(setting: str = "all") -> ConfigDict:
  """Returns the settings.

  Args:
    setting: "all"; "shallow" for the methods on features without a network;
      "heads" for those and the heads on features; or "networks" for SimpleNet
      from pixels.
  """
  check_setting(setting, _METHODS)
  config = base_config()
  config.data.name = "image_folder"
  config.data.protocol = "official"
  config.data.num_queries = 0
  config.features.backbone = "efficientnet_lite0+efficientnet_lite2"
  config.features.image_size = 224
  config.features.root = True
  config.labels.diffusion_time = 12.0
  config.train.num_epochs = 20
  config.train.batch_size = 128
  config.train.flip = True
  config.train.shift = 3
  # The same number of epochs for every SimpleNet.
  for name in FROM_PIXELS:
    config.baselines[name].recipe.num_epochs = config.train.num_epochs
  config.compare.methods = _METHODS[setting]
  config.compare.num_bits = (16, 32, 48, 64)
  return config
