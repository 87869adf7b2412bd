"""INRIA Holidays among a million images: 500 queries search 1,001,491 images.

    pip install "dsth_jax[approximate]"
    python -m dsth_jax.main --config=configs/holidays1m.py \
        --config.data.root=FOLDER --workdir=runs/holidays1m

FOLDER holds, as they are or unpacked to folders of their names,

* jpg1.tar.gz and jpg2.tar.gz of https://lear.inrialpes.fr/~jegou/data.php;
* images0.zip to images9.zip of MIRFLICKR-1M,
  https://press.liacs.nl/mirflickr/mirdownload.html, in place of the published
  distractors, which are features without images (docs/paper.md).

The published protocol: the first image of a group is a query for the others, is left
out of its ranking, and stays in those of other queries. No query is a training
image. The settings, as in `--config=configs/holidays1m.py:paper`:

* frozen_backbone, where none is named: a head on the features;
* holidays: the same without the million, in a minute;
* simplenet: encodes fastest; its images take 28 GB of disk;
* paper: all that the paper states, with VGG16 and its training of 70,000 steps
  (docs/paper.md); add `--config.features.weights=VGG16.pth`. Table V is of 32 bits,
  and of 16 with `--config.num_bits=16`. Without the million:
  `--config.data.name=holidays`.

Two cores describe a million images in about an hour; a million features take 2.6 GB
of disk and twice that of memory. The neighbors are then found
approximately, or with `--config.graph.search=exact`. No figures are measured yet.
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config, check_setting, use_published_set

_SETTINGS = ("frozen_backbone", "holidays", "simplenet", "paper")


def get_config(setting: str = "frozen_backbone") -> ConfigDict:
  """Returns the settings; see above."""
  check_setting(setting, _SETTINGS)
  config = base_config()
  config.num_bits = 32
  if setting == "holidays":
    use_published_set(
      config,
      "holidays",
      "frozen_backbone",
      image_size=96,
      paper_backbone="vgg16",
    )
  else:
    use_published_set(
      config, "holidays1m", setting, image_size=96, paper_backbone="vgg16"
    )
    config.graph.search = "approximate"
    config.features.dtype = "float16"
    if setting != "paper":
      # As many steps as 30 epochs of 100,000 images.
      config.train.num_epochs = 3
  config.data.protocol = "queries-in-database"
  return config
