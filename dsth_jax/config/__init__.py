"""Every setting of a run, what may not be combined, and the paper's own.

`base_config()` is the embedded default: the handwritten digits, in under a
minute on two cores. A file in `configs/` states only its difference to it.
"""

from dsth_jax.config.base import base_config
from dsth_jax.config.methods import DSTH_METHODS, METHODS, SHALLOW
from dsth_jax.config.paper import use_paper_labels, use_paper_settings
from dsth_jax.config.recipes import check_setting, use_frozen_backbone
from dsth_jax.config.saved import read
from dsth_jax.config.validation import choose, validate

__all__ = [
  "DSTH_METHODS",
  "METHODS",
  "SHALLOW",
  "base_config",
  "check_setting",
  "choose",
  "read",
  "use_frozen_backbone",
  "use_paper_labels",
  "use_paper_settings",
  "validate",
]
