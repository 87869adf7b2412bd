"""Oxford Buildings: 55 queries search 105,000 images, 100,071 of them distractors.

    python -m dsth_jax.main --config=configs/oxford105k.py \
        --config.data.root=FOLDER --workdir=runs/oxford105k

FOLDER holds, as they are or unpacked to folders of their names,

* oxbuild_images-v1.tgz and gt_files_170407.tgz of
  https://www.robots.ox.ac.uk/~vgg/data/oxbuildings/;
* the folder oxc1_100k/, unpacked from the RAR files that flickr100k.html there leads to.

The published protocol: the query is a box of an image, good and ok images are
relevant, junk is ignored. No image that a query is cut out of is a training image.
The settings, as in `--config=configs/oxford105k.py:paper`:

* frozen_backbone, where none is named: a head on the features, trained in a minute;
* oxford5k: the same without the distractors;
* simplenet: encodes fastest;
* paper: all that the paper states, with VGG16 and its training of 70,000 steps
  (docs/paper.md); add `--config.features.weights=VGG16.pth`. Table V is of 32 bits,
  and of 16 with `--config.num_bits=16`. Without the distractors:
  `--config.data.name=oxford5k`.

Two cores describe 100,000 images in some 6 minutes. No figures are measured yet.
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config, check_setting, use_published_set

_SETTINGS = ("frozen_backbone", "oxford5k", "simplenet", "paper")


def get_config(setting: str = "frozen_backbone") -> ConfigDict:
  """Returns the settings; see above."""
  check_setting(setting, _SETTINGS)
  name = "oxford105k"
  if setting == "oxford5k":
    name, setting = "oxford5k", "frozen_backbone"
  config = base_config()
  config.num_bits = 32
  return use_published_set(
    config, name, setting, image_size=96, paper_backbone="vgg16"
  )
