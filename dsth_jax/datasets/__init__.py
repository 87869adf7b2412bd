"""Images by name: `load`, our own TFDS builders, protocols, pixels.

No other package uses TFDS. Only `dsth_jax.datasets.prepare` needs TensorFlow,
for the sets of TFDS's catalogue.
"""

from dsth_jax.datasets.account import Account, Skipped
from dsth_jax.datasets.batches import Selection, image_batches, resize_and_crop
from dsth_jax.datasets.dataset import Dataset, Images, RandomAccess
from dsth_jax.datasets.digits import Digits
from dsth_jax.datasets.image_folder import ImageFolder
from dsth_jax.datasets.image_names import escape, read_names, unescape
from dsth_jax.datasets.loading import LOADERS, load
from dsth_jax.datasets.npy import open_npy
from dsth_jax.datasets.protocols import PROTOCOLS, Splits

__all__ = [
  "LOADERS",
  "PROTOCOLS",
  "Account",
  "Dataset",
  "Digits",
  "ImageFolder",
  "Images",
  "RandomAccess",
  "Selection",
  "Skipped",
  "Splits",
  "escape",
  "image_batches",
  "load",
  "open_npy",
  "read_names",
  "resize_and_crop",
  "unescape",
]
