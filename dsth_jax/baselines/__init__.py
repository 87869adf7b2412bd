"""Other ways to binary codes, behind one interface.

A method is a file with a function

    fit(inputs, labels=None, *, num_bits, key) -> encoder
    encoder.encode(inputs) -> UInt8[n b]

and a line in `BASELINES`, which says what its inputs are and whether it needs
labels. Methods on images that learn from a pretrained network take what it sees
as `features=`, one row an image.

>>> import jax
>>> import numpy as np
>>> features = np.random.default_rng(0).normal(size=(100, 8))
>>> encoder = BASELINES["itq"].fit(features, num_bits=4, key=jax.random.key(0))
>>> encoder.encode(features).shape
(100, 4)
"""

from dsth_jax.baselines import (
  bihalf,
  cibhash,
  cnnh,
  deep_dsh,
  deepbit,
  dlbh,
  greedyhash,
  itq,
  lsh,
  ssdh,
)
from dsth_jax.baselines.interface import Baseline, Encoder

BASELINES: dict[str, Baseline] = {
  "lsh": Baseline(lsh.fit),
  "itq": Baseline(itq.fit),
  "cnnh": Baseline(cnnh.fit, inputs="images", supervised=True),
  "dlbh": Baseline(dlbh.fit, inputs="images", supervised=True),
  "deep_dsh": Baseline(deep_dsh.fit, inputs="images", supervised=True),
  "deepbit": Baseline(deepbit.fit, inputs="images"),
  "ssdh": Baseline(ssdh.fit, inputs="images"),
  "greedyhash": Baseline(greedyhash.fit, inputs="images"),
  "bihalf": Baseline(bihalf.fit, inputs="images"),
  "cibhash": Baseline(cibhash.fit, inputs="images"),
}

__all__ = [
  "BASELINES",
  "Baseline",
  "Encoder",
  "bihalf",
  "cibhash",
  "cnnh",
  "deep_dsh",
  "deepbit",
  "dlbh",
  "greedyhash",
  "itq",
  "lsh",
  "ssdh",
]
