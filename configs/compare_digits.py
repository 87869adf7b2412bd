"""Methods on the pixels of handwritten digits.

    python -m dsth_jax.compare --config=configs/compare_digits.py \
        --workdir=runs/compare_digits

These are the methods without a network. Heads on the pixels too:
`--config=configs/compare_digits.py:heads`. DSTH with both networks and its paper's
labels too: `--config=configs/compare_digits.py:dsth`.
"""

from ml_collections import ConfigDict

from dsth_jax.config import (
  DSTH_METHODS,
  HEADS,
  SHALLOW,
  base_config,
  check_setting,
)


def get_config(setting: str = "shallow") -> ConfigDict:
  """Returns the settings.

  Args:
    setting: "shallow", "heads" for heads on the pixels too, or "dsth" for DSTH
      too.
  """
  more = {"shallow": (), "heads": HEADS, "dsth": DSTH_METHODS}
  check_setting(setting, more)
  config = base_config()
  config.compare.methods = (*more[setting], *SHALLOW)
  config.compare.num_bits = (16, 32)
  return config
