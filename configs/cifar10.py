"""CIFAR-10 from TFDS, official split: the test images query the training images.

    pip install "dsth_jax[tfds]"
    python -m dsth_jax.datasets.prepare --name=cifar10
    python -m dsth_jax.main --config=configs/cifar10.py --workdir=runs/cifar10

For a folder of images (`train/CLASS/`, `test/CLASS/`), add
`--config.data.name=image_folder --config.data.root=FOLDER`. The paper's hash
labels are `--config=configs/cifar10.py:paper_labels`; all that it states, with its
training of 70,000 steps, is `--config=configs/cifar10.py:paper` (docs/paper.md).

Its figures are in docs/cifar10.md.
"""

from ml_collections import ConfigDict

from dsth_jax.config import (
  base_config,
  check_setting,
  use_frozen_backbone,
  use_paper_labels,
  use_paper_settings,
)

_SETTINGS = ("recommended", "frozen_backbone", "paper_labels", "paper")


def get_config(setting: str = "recommended") -> ConfigDict:
  """Returns the settings.

  Args:
    setting: "recommended"; "frozen_backbone", for a head on the backbone's
      features; "paper_labels", for the paper's hash labels with the recommended
      training; or "paper", for all of the paper's settings.
  """
  check_setting(setting, _SETTINGS)
  config = base_config()
  config.num_bits = 48
  config.data.name = "cifar10"
  config.data.protocol = "official"
  config.data.num_queries = 0
  config.features.backbone = "efficientnet_lite0"
  config.features.image_size = 224
  config.train.num_epochs = 20
  config.train.batch_size = 128
  config.train.flip = True
  config.train.shift = 3
  if setting == "frozen_backbone":
    use_frozen_backbone(config)
  if setting == "paper_labels":
    use_paper_labels(config)
  if setting == "paper":
    use_paper_settings(config)
  return config
