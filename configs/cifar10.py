"""CIFAR-10, official split: the test images query the training images.

    python -m dsth_jax.main --config=configs/cifar10.py \
        --config.data.root=FOLDER --workdir=runs/cifar10

FOLDER holds cifar-10-binary.tar.gz or cifar-10-python.tar.gz of
https://www.cs.toronto.edu/~kriz/cifar.html, as it is or unpacked. Without a root
the set is that of TFDS's catalog, which `python -m dsth_jax.datasets.prepare
--name=cifar10` prepares. For a folder of images (`train/CLASS/`, `test/CLASS/`),
add `--config.data.name=image_folder`. The settings, as in
`--config=configs/cifar10.py:frozen_backbone`:

* simplenet, where none is named: encodes fastest;
* wide_simplenet: retrieves best; trained for longer, best on a GPU;
* frozen_backbone: a head on the features, trained in a minute or two;
* paper_labels: simplenet with the paper's hash labels;
* paper: all that the paper states but the backbone, with its training of 70,000
  steps (docs/paper.md). The backbone too:
  `--config.features.backbone=googlenet --config.features.image_size=0
  --config.features.weights=GOOGLENET.pth`.

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

_SETTINGS = (
  "simplenet",
  "wide_simplenet",
  "frozen_backbone",
  "paper_labels",
  "paper",
)


def get_config(setting: str = "simplenet") -> ConfigDict:
  """Returns the settings.

  Args:
    setting: see above.
  """
  check_setting(setting, _SETTINGS)
  config = base_config()
  config.num_bits = 48
  config.data.name = "cifar10"
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
  if setting == "wide_simplenet":
    config.model.width = 2.0
    config.train.num_epochs = 60
    config.train.mixup = 0.4
  if setting == "frozen_backbone":
    use_frozen_backbone(config)
  if setting == "paper_labels":
    use_paper_labels(config)
  if setting == "paper":
    # The paper's features are those of one network.
    config.features.backbone = "efficientnet_lite0"
    use_paper_settings(config)
  return config
