"""All shallow methods on the pixels of handwritten digits.

    python -m dsth_jax.compare --config=configs/compare_digits.py \
        --workdir=runs/compare_digits

Together with DSTH and its paper's labels: `--config=configs/compare_digits.py:dsth`.
"""

from ml_collections import ConfigDict

from dsth_jax.config import (
  DSTH_METHODS,
  SHALLOW,
  base_config,
  check_setting,
)


def get_config(setting: str = "shallow") -> ConfigDict:
  """Returns the settings.

  Args:
    setting: "shallow", or "dsth" for DSTH too.
  """
  check_setting(setting, ("shallow", "dsth"))
  config = base_config()
  own = DSTH_METHODS if setting == "dsth" else ()
  config.compare.methods = (*own, *SHALLOW)
  config.compare.num_bits = (16, 32)
  return config
