"""Other ways to binary codes, behind one interface.

A method is a file with a function

    fit(inputs, labels=None, *, num_bits, key) -> encoder
    encoder.encode(inputs) -> UInt8[n b]

and a line in `BASELINES`, which says what its inputs are and whether it needs
labels.

>>> import jax
>>> import numpy as np
>>> features = np.random.default_rng(0).normal(size=(100, 8))
>>> encoder = BASELINES["itq"].fit(features, num_bits=4, key=jax.random.key(0))
>>> encoder.encode(features).shape
(100, 4)
"""

from dsth_jax.baselines import (
  agh,
  aibc,
  density_dsh,
  itq,
  lsh,
  pca_sign,
  sh,
  sklsh,
  sph,
  sth,
)
from dsth_jax.baselines.interface import Baseline, Encoder

BASELINES: dict[str, Baseline] = {
  "lsh": Baseline(lsh.fit),
  "itq": Baseline(itq.fit),
  "pca_sign": Baseline(pca_sign.fit),
  "sklsh": Baseline(sklsh.fit),
  "sh": Baseline(sh.fit),
  "sth": Baseline(sth.fit),
  "sph": Baseline(sph.fit),
  "density_dsh": Baseline(density_dsh.fit),
  "agh": Baseline(agh.fit),
  "aibc": Baseline(aibc.fit),
}

__all__ = [
  "BASELINES",
  "Baseline",
  "Encoder",
  "agh",
  "aibc",
  "density_dsh",
  "itq",
  "lsh",
  "pca_sign",
  "sh",
  "sklsh",
  "sph",
  "sth",
]
