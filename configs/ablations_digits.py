"""What single settings change on the handwritten digits, in a minute or two.

    python -m dsth_jax.compare --config=configs/ablations_digits.py \
        --workdir=runs/ablations_digits

Each variant changes one setting of the recommended ones. Features are extracted
once, the graph and the embedding once for each setting that they depend on. The
hash network is a linear head on the pixels. Ablations of the paper's data sets are
`python -m dsth_jax.paper --experiment=ablations`.
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config, use_frozen_backbone


def get_config() -> ConfigDict:
  """Returns the settings."""
  config = use_frozen_backbone(base_config())
  config.compare.methods = ("dsth",)
  config.compare.num_bits = (32,)
  config.compare.variants = {
    "recommended": {},
    "mutual": {"graph.symmetrize": "mutual"},
    "4-neighbors": {"graph.num_neighbors": 4},
    "20-neighbors": {"graph.num_neighbors": 20},
    "not-centered": {"features.center": False},
    "time-1": {"labels.diffusion_time": 1.0},
    "time-32": {"labels.diffusion_time": 32.0},
    "paper-labels": {"labels.method": "eigenvectors"},
    "paper-labels-median": {
      "labels.method": "eigenvectors",
      "labels.threshold": "median",
    },
  }
  return config
