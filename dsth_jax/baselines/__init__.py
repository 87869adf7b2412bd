"""Other ways to binary codes, behind one interface.

A method is a module with

    fit(features, labels=None, *, num_bits, key) -> encoder
    encoder.encode(features) -> UInt8[n b]

>>> import jax
>>> import numpy as np
>>> features = np.random.default_rng(0).normal(size=(100, 8))
>>> encoder = BASELINES["itq"].fit(features, num_bits=4, key=jax.random.key(0))
>>> encoder.encode(features).shape
(100, 4)
>>> sorted(BASELINES)
['itq', 'lsh']
"""

from types import ModuleType

from dsth_jax.baselines import itq, lsh

BASELINES: dict[str, ModuleType] = {"lsh": lsh, "itq": itq}

__all__ = ["BASELINES", "itq", "lsh"]
