"""Every setting of a run, what may not be combined, and the paper's own.

`base_config()` is the embedded default: the handwritten digits, in under a
minute on two cores. A file in `configs/` states only its difference to it.
"""

from dsth_jax.config.base import base_config
from dsth_jax.config.methods import (
  DSTH_METHODS,
  FROM_PIXELS,
  HEADS,
  METHODS,
  SHALLOW,
  baseline_arguments,
  dsth_settings,
)
from dsth_jax.config.paper import use_paper_labels, use_paper_settings
from dsth_jax.config.recipes import (
  check_setting,
  use_frozen_backbone,
  use_simplenet,
)
from dsth_jax.config.saved import read
from dsth_jax.config.validation import choose, validate
from dsth_jax.config.variants import change, variants

__all__ = [
  "DSTH_METHODS",
  "FROM_PIXELS",
  "HEADS",
  "METHODS",
  "SHALLOW",
  "base_config",
  "baseline_arguments",
  "change",
  "check_setting",
  "choose",
  "dsth_settings",
  "read",
  "use_frozen_backbone",
  "use_paper_labels",
  "use_paper_settings",
  "use_simplenet",
  "validate",
  "variants",
]
