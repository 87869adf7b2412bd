"""STL-10 from TFDS: 8,000 test images query 5,000 training images.

pip install "dsth_jax[tfds]"
python -m dsth_jax.datasets.prepare --name=stl10
python -m dsth_jax.main --config=configs/stl10.py --workdir=runs/stl10

Not measured yet: preparing the set needs the network.
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config


def get_config() -> ConfigDict:
  """Returns the settings for 96 x 96 images and 32 bits (Table III)."""
  config = base_config()
  config.num_bits = 32
  config.data.name = "stl10"
  config.data.protocol = "official"
  config.data.num_queries = 0
  config.features.backbone = "efficientnet_lite0"
  config.features.image_size = 224
  config.features.root = True
  config.model.image_size = 96
  config.train.num_epochs = 60
  config.train.batch_size = 128
  config.train.flip = True
  config.train.shift = 9
  return config
