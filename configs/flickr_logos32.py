"""FlickrLogos-32: 960 photographs of logos query 4,280 photographs.

    python -m dsth_jax.main --config=configs/flickr_logos32.py \
        --config.data.root=FOLDER --workdir=runs/flickr_logos32

FOLDER holds FlickrLogos-32_dataset_v2.zip, as it is or unpacked to FlickrLogos-v2/;
https://www.uni-augsburg.de/de/fakultaet/fai/informatik/prof/mmc/research/datensatze/flickrlogos/
says how to ask for it. As in the evaluation that is published with it, the test
images with a logo query the training and validation images: 1,280 with a logo, and
3,000 without one that are relevant to no query. The settings, as in
`--config=configs/flickr_logos32.py:paper`:

* frozen_backbone, where none is named: a head on the features, trained in seconds;
* simplenet: encodes fastest;
* paper: all that the paper states, with VGG16 and its training of 70,000 steps
  (docs/paper.md); add `--config.features.weights=VGG16.pth`. Table V is of 32 bits,
  and of 16 with `--config.num_bits=16`.

No figures are measured yet.
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config, use_published_set


def get_config(setting: str = "frozen_backbone") -> ConfigDict:
  """Returns the settings; see above."""
  config = base_config()
  config.num_bits = 32
  return use_published_set(
    config, "flickr_logos32", setting, image_size=96, paper_backbone="vgg16"
  )
