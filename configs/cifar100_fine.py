"""CIFAR-100 with its 100 fine classes: test images query training images.

    python -m dsth_jax.main --config=configs/cifar100_fine.py \
        --config.data.root=FOLDER --workdir=runs/cifar100_fine

FOLDER holds cifar-100-binary.tar.gz or cifar-100-python.tar.gz of
https://www.cs.toronto.edu/~kriz/cifar.html, as it is or unpacked. Coarse and fine
classes share one prepared set. The settings, as in
`--config=configs/cifar100_fine.py:paper`:

* simplenet, where none is named: encodes fastest;
* frozen_backbone: a head on the features, trained in a minute or two;
* paper: all that the paper states, with GoogLeNet and its training of 70,000
  steps (docs/paper.md); add `--config.features.weights=GOOGLENET.pth`.

No figures are measured yet. It takes the time of CIFAR-10, which has as many images
(docs/cifar10.md).
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config, use_published_set


def get_config(setting: str = "simplenet") -> ConfigDict:
  """Returns the settings; see above."""
  config = base_config()
  config.num_bits = 48
  return use_published_set(
    config, "cifar100_fine", setting, image_size=32, paper_backbone="googlenet"
  )
