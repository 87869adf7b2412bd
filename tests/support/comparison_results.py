"""Results of a comparison for its report."""

from dsth_jax.comparison import summary


def outcome(method, num_bits, seed, quality):
  """A finished cell with metrics that follow from one number."""
  quality += 0.01 * seed
  return {
    "method": method,
    "num_bits": num_bits,
    "seed": seed,
    "error": None,
    "metrics": metrics(quality) | {"hd3p": quality / 2, "nc3p": quality + 0.1},
    "statistics": {
      "num_distinct_codes": 700 + 2 * seed,
      "num_codes": 1497,
      "bit_balance": 0.07,
      "bit_correlation": 0.13,
    },
    "fit_seconds": 2.0 + seed,
    "encode_seconds": 0.004,
  }


def metrics(quality):
  scores = {"num_queries": 300, "num_database": 1497}
  for name in ("mean_average_precision", "mean_average_precision_at_1000"):
    scores |= {name: quality, f"{name}_pessimistic": quality - 0.1}
    scores[f"{name}_optimistic"] = quality + 0.1
  return scores | {
    "recall_levels": [0.5, 1.0],
    "precision_at_recall": [quality, quality / 2],
    "returned_images": [1, 100],
    "precision_of_returned": [quality + 0.05, quality],
    "max_f_beta_0.5": quality,
    "max_f_beta_0.25": quality,
    "max_f_all_levels_beta_0.5": quality,
    "max_f_all_levels_beta_0.25": quality,
  }


def results():
  """Two seeds, one of which failed for "taught" at 32 bits."""
  quality = {"dsth": 0.5, "itq": 0.3, "taught": 0.7}
  methods = {
    method: {
      str(num_bits): summary.over_seeds(
        [
          outcome(method, num_bits, seed, score + num_bits / 1000)
          for seed in (0, 1)
          if (method, num_bits, seed) != ("taught", 32, 1)
        ]
      )
      for num_bits in (16, 32)
    }
    for method, score in quality.items()
  }
  return {
    "summary": {
      "dataset": "digits",
      "protocol": "holdout",
      "num_images": 1797,
      "num_queries": 300,
      "num_database": 1497,
      "num_training": 1497,
      "backbone": "pixels",
      "num_bits": [16, 32],
      "seeds": [0, 1],
      "methods": {
        "dsth": {
          "network": "simplenet",
          "learned_from": ["images", "features"],
          "num_labels": 0,
        },
        "itq": {"network": "", "learned_from": ["features"], "num_labels": 0},
        "taught": {
          "network": "frozen_backbone",
          "learned_from": ["features", "class labels"],
          "num_labels": 1497,
        },
      },
    },
    "ceiling": metrics(0.9),
    "methods": methods,
    "failed": [
      {"method": "taught", "num_bits": 32, "seed": 1, "error": "It is late."}
    ],
    "environment": {"jax": "0.10.2"},
  }
