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
  agh,
  aibc,
  bihalf,
  bre,
  cca_itq,
  cibhash,
  cnnh,
  deep_dsh,
  deepbit,
  density_dsh,
  dlbh,
  greedyhash,
  itq,
  ksh,
  lsh,
  pca_sign,
  sh,
  sklsh,
  sph,
  ssdh,
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
  "deepbit": Baseline(deepbit.fit, inputs="images"),
  "ssdh": Baseline(ssdh.fit, inputs="images", needs_features=True),
  "greedyhash": Baseline(greedyhash.fit, inputs="images", needs_features=True),
  "bihalf": Baseline(bihalf.fit, inputs="images", needs_features=True),
  "cibhash": Baseline(cibhash.fit, inputs="images"),
  "ksh": Baseline(ksh.fit, supervised=True),
  "bre": Baseline(bre.fit, supervised=True),
  "cca_itq": Baseline(cca_itq.fit, supervised=True),
  "cnnh": Baseline(cnnh.fit, inputs="images", supervised=True),
  "dlbh": Baseline(dlbh.fit, inputs="images", supervised=True),
  "deep_dsh": Baseline(deep_dsh.fit, inputs="images", supervised=True),
}

__all__ = ["BASELINES", "Baseline", "Encoder"]
