"""Image retrieval with self-taught binary codes.

The pure functions of the line, in the order the data takes, are re-exported
here; each is documented in its module.

Axis letters, used in every shape of this package:

    ======  =======================================
    letter  axis
    ======  =======================================
    n       points (images)
    d       features of a point
    k       neighbors of a point
    b       bits of a code
    w       bytes of a packed code, ceil(b / 8)
    q       queries
    m       database points
    r       results of a query
    c       classes
    ======  =======================================
"""

import importlib
from typing import TYPE_CHECKING, Any

from dsth_jax.codes import (
  binarize,
  diffusion_rotation,
  itq_rotation,
  mean_thresholds,
  median_thresholds,
  pack,
  unpack,
)
from dsth_jax.graph import (
  affinity,
  connect_components,
  connected_components,
  cosine_knn,
  degrees,
)
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.hamming import distances, range_search, search
from dsth_jax.metrics import code_statistics, evaluate, evaluate_features
from dsth_jax.spectral import is_converged, laplacian_eigenmaps
from dsth_jax.version import __version__

if TYPE_CHECKING:
  from dsth_jax.datasets.image_names import read_names
  from dsth_jax.finished_run import open_run

__all__ = [
  "GroundTruth",
  "__version__",
  "affinity",
  "binarize",
  "code_statistics",
  "connect_components",
  "connected_components",
  "cosine_knn",
  "degrees",
  "diffusion_rotation",
  "distances",
  "evaluate",
  "evaluate_features",
  "is_converged",
  "itq_rotation",
  "laplacian_eigenmaps",
  "mean_thresholds",
  "median_thresholds",
  "open_run",
  "pack",
  "range_search",
  "read_names",
  "search",
  "unpack",
]

# Their modules are imported when they are asked for.
_LATER = {
  "open_run": "dsth_jax.finished_run",
  "read_names": "dsth_jax.datasets",
}


def __getattr__(name: str) -> Any:
  if name not in _LATER:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  return getattr(importlib.import_module(_LATER[name]), name)
