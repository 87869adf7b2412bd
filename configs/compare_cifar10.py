"""All methods on CIFAR-10 from a folder, official split.

    python -m dsth_jax.compare --config=configs/compare_cifar10.py \
        --config.data.root=FOLDER --workdir=runs/compare_cifar10

FOLDER holds `train/CLASS/*.jpg` and `test/CLASS/*.jpg`. Features of another
backbone, or of an earlier run, are `--config.features.file=FEATURES.npy`. With
features and class numbers the shallow methods need no images; here with the
split of 10,000 random queries:

    python -m dsth_jax.compare --config=configs/compare_cifar10.py:shallow \
        --config.data.name=features --config.features.file=FEATURES.npy \
        --config.data.labels_file=LABELS.npy --config.data.protocol=cifar10-2

DSTH takes some 20 minutes on two cores, and so does a deep method: all methods
at four lengths with three seeds take days there. Some of them are
`--config.compare.methods="('dsth','itq')" --config.compare.num_bits=48`; a later
call with more methods keeps what is measured. `:networks` gives every method that
learns from images the same 3 epochs and one seed: hours instead of days.
"""

from ml_collections import ConfigDict

from dsth_jax.config import METHODS, SHALLOW, base_config, check_setting

_METHODS = {
  "all": METHODS,
  "shallow": SHALLOW,
  "networks": tuple(name for name in METHODS if name not in SHALLOW),
}


def get_config(setting: str = "all") -> ConfigDict:
  """Returns the settings.

  Args:
    setting: "all", "shallow" for the methods on features, or "networks" for
      those that learn from images, with few epochs.
  """
  check_setting(setting, _METHODS)
  config = base_config()
  config.data.name = "image_folder"
  config.data.protocol = "official"
  config.data.num_queries = 0
  config.features.backbone = "efficientnet_lite0"
  config.features.image_size = 224
  config.train.num_epochs = 3 if setting == "networks" else 20
  config.train.batch_size = 128
  config.train.flip = True
  config.train.shift = 3
  # The same number of epochs for every network.
  for settings in config.baselines.values():
    if "num_epochs" in settings:
      settings.num_epochs = config.train.num_epochs
  config.compare.methods = _METHODS[setting]
  if setting == "networks":
    config.compare.seeds = (0,)
  config.compare.num_bits = (16, 32, 48, 64)
  return config
