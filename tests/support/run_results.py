"""Results of a run for its report."""

import numpy as np

from dsth_jax import report

NUM_BITS = 48
# With the markup of HTML, JavaScript, Markdown and Jinja.
HOSTILE = (
  "\"><script>alert('x')</script><img src=x onerror=alert(1)>|`$css`&amp;"
  "{{ 7 * 7 }}{% include 'page.css' %}{# gone #}"
)


def metrics(quality, *, of_codes=True):
  """Realistic metrics around a mean average precision."""
  spread = 0.006 if of_codes else 0.0
  recall = [round(0.1 * i, 1) for i in range(1, 11)]
  returned = [1, 3, 10, 32, 100, 316, 1000]
  bracketed = {"mean_average_precision": quality}
  bracketed["mean_average_precision_at_1000"] = quality + 0.143
  scores = {"num_queries": 9871, "num_queries_without_relevant": 41}
  for name, value in bracketed.items():
    scores[name] = value
    scores[f"{name}_pessimistic"] = value - spread
    scores[f"{name}_optimistic"] = value + 1.5 * spread
  scores |= {
    "num_database": 49_123,
    "recall_levels": recall,
    "precision_at_recall": [quality * (1.6 - r) + 0.03 for r in recall],
    "returned_images": returned,
    "precision_of_returned": [
      quality + 0.27 - 0.031 * np.log10(n) for n in returned
    ],
    "max_f_beta_0.5": quality + 0.0213,
    "max_f_beta_0.25": quality + 0.0876,
    "max_f_all_levels_beta_0.5": quality + 0.0231,
    "max_f_all_levels_beta_0.25": quality + 0.0891,
  }
  if of_codes:
    scores["hd3p"] = quality + 0.1345
    scores["hd3p_empty_share"] = 0.1268
    scores["nc3p"] = quality + 0.1121
  return scores


def statistics(distinct):
  return {
    "num_distinct_codes": distinct,
    "num_codes": 58_994,
    "bit_balance": 0.0312,
    "bit_correlation": 0.1187,
  }


def stage(seconds, images_per_second=None, reused=False):
  return {
    "seconds": seconds,
    "reused": reused,
    "images_per_second": images_per_second,
  }


def results():
  """What a run on CIFAR-10 gives, see DESIGN's tables."""
  return {
    "summary": {
      "dataset": "cifar10",
      "protocol": "official",
      "num_images": 58_994,
      "num_queries": 9871,
      "num_database": 49_123,
      "num_training": 48_765,
      "num_bits": NUM_BITS,
      "backbone": "efficientnet_lite0",
      "labels": "diffusion",
      "network": "SimpleNet 32x32, slice head, batchnorm",
    },
    # Not in the order of the report.
    "held_out": {
      "lsh": metrics(0.221),
      "itq": metrics(0.312),
      "dsth": metrics(0.439),
      "cosine": metrics(0.331, of_codes=False),
    },
    "training": {
      "labels": metrics(0.430),
      "paper_labels": metrics(0.278),
      "dsth": metrics(0.457),
      "cosine": metrics(0.329, of_codes=False),
    },
    "statistics": {"dsth": statistics(41_234), "itq": statistics(57_111)},
    "stages": {
      "data": stage(21.3, 2769.0),
      "features": stage(189.1, 312.4, reused=True),
      "graph": stage(34.6),
      "embedding": stage(25.7),
      "labels": stage(4.13),
      "pixels": stage(11.6, 5085.0),
      "training": stage(1098.0, 913.6),
      "codes": stage(6.71, 8792.3),
      "evaluation": stage(64.9),
    },
    "graph": {
      "num_neighbors": 14,
      "symmetrize": "union",
      "recall": 1.0,
      "num_edges": 412_345,
      "num_components": 6,
      "num_isolated": 2,
      "num_edges_added": 5,
    },
    "embedding": {
      "eigenvalues": np.linspace(0.0113, 0.344, NUM_BITS).tolist(),
      "max_residual": 3.26e-5,
      "num_iters": 131,
    },
    "losses": [[20, 0.2513], [400, 0.192], [3900, 0.1374]],
    "skipped": [
      ["cats/torn.jpg", "truncated after 4 of 9 blocks"],
      ["huge.png", "117 megapixels"],
    ],
    "account": {
      "found": 59_011,
      "num_read": 58_994,
      "skipped": {"is truncated or damaged": 1, "has too many pixels": 1},
      "not_images": {".txt": 11, "@eaDir/": 4},
    },
    "environment": {"jax": "0.10.2", "devices": "2 x cpu"},
  }


def sheet():
  """Two queries with three results each, of several sizes."""
  rng = np.random.default_rng(0)

  def image(height, width):
    return rng.integers(0, 256, (height, width, 3), np.uint8)

  return report.PictureSheet(
    queries=[image(8, 8), image(300, 200)],
    results=[[image(8, 8) for _ in range(3)], [image(40, 90)] * 3],
    distances=[[0, 4, 19], [5, 7, 8]],
    relevant=[[True, False, True], [True, True, False]],
    query_names=["test/a.png", "test/b.png"],
    result_names=[["r0", "r1", "r2"], ["r3", "r4", "r5"]],
  )


def leaves(tree, path=()):
  """Yields the path of every value that is not a list or a dict."""
  if isinstance(tree, dict):
    for key, value in tree.items():
      yield from leaves(value, (*path, key))
  elif isinstance(tree, list):
    for i, value in enumerate(tree):
      yield from leaves(value, (*path, i))
  else:
    yield path


def at(tree, path):
  """Returns the value at a path."""
  for key in path:
    tree = tree[key]
  return tree
