"""STL-10: 8,000 test images query 5,000 training images.

    python -m dsth_jax.main --config=configs/stl10.py \
        --config.data.root=FOLDER --workdir=runs/stl10

FOLDER holds stl10_binary.tar.gz of https://cs.stanford.edu/~acoates/stl10/, as it
is or unpacked. Without a root the set is that of TFDS's catalog, which
`python -m dsth_jax.datasets.prepare --name=stl10` prepares. With
`--config.data.unlabelled=True` the 100,000 images without a label train as well. The
settings, as in `--config=configs/stl10.py:paper`:

* simplenet, where none is named: encodes fastest;
* frozen_backbone: a head on the features, trained in seconds;
* paper: all that the paper states, with GoogLeNet and its training of 70,000
  steps (docs/paper.md); add `--config.features.weights=GOOGLENET.pth`.

No figures are measured yet.
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config, use_published_set


def get_config(setting: str = "simplenet") -> ConfigDict:
  """Returns the settings; see above."""
  config = base_config()
  config.num_bits = 32
  use_published_set(
    config, "stl10", setting, image_size=96, paper_backbone="googlenet"
  )
  if setting == "simplenet":
    # CIFAR-10 has ten times the training images.
    config.train.num_epochs = 60
  return config
