"""A folder of photographs, with or without labels.

    python -m dsth_jax.main --config=configs/image_folder.py \
        --config.data.root=PHOTOGRAPHS --workdir=runs/photographs

`CLASS/` folders are the labels, `train/` and `test/` folders the parts (then add
`--config.data.protocol=official`). A flat folder has no labels, and the run
ends with codes and pictures, without precision; `--config.data.ignore_labels=True`
takes a folder as flat.

A head on the backbone's features is trained in seconds and encodes at the speed
of the backbone. SimpleNet learns from pixels, which takes minutes, and encodes
several times as fast: `--config=configs/image_folder.py:simplenet`. Figures of both
are in docs/guide.md.
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config, check_setting, use_frozen_backbone


def get_config(setting: str = "frozen_backbone") -> ConfigDict:
  """Returns the settings for photographs of any size.

  Args:
    setting: "frozen_backbone" or "simplenet".
  """
  check_setting(setting, ("frozen_backbone", "simplenet"))
  config = base_config()
  config.num_bits = 48
  config.data.name = "image_folder"
  config.data.num_queries = 100
  # Of these few images have fewer, unless a flag gives them.
  config.data.adaptable = ("data.num_queries", "num_bits", "train.batch_size")
  config.features.backbone = "efficientnet_lite0"
  config.features.image_size = 224
  config.features.root = True
  if setting == "frozen_backbone":
    return use_frozen_backbone(config)
  config.model.image_size = 96
  config.train.num_epochs = 20
  config.train.batch_size = 128
  config.train.flip = True
  config.train.shift = 9
  return config
