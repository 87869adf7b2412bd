"""A folder of photographs, with or without labels.

    python -m dsth_jax.main --config=configs/image_folder.py \
        --config.data.root=PHOTOGRAPHS --workdir=runs/photographs

Images in `CLASS/` folders are labelled by them, images in `train/` and `test/`
are split by them (then add `--config.data.protocol=official`); a flat folder
has no labels, and the run ends with codes and pictures, without precision.
Time and quality depend on the photographs; none are measured here.
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config


def get_config() -> ConfigDict:
  """Returns the settings for photographs of any size."""
  config = base_config()
  config.num_bits = 48
  config.data.name = "image_folder"
  config.data.num_queries = 100
  config.features.backbone = "efficientnet_lite0"
  config.features.image_size = 224
  config.model.image_size = 96
  config.train.num_epochs = 20
  config.train.batch_size = 128
  config.train.flip = True
  config.train.shift = 9
  return config
