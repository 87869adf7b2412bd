"""Retrieval metrics that do not depend on how ties are broken.

>>> import numpy as np
>>> from dsth_jax.ground_truth import GroundTruth
>>> codes = np.array([[0b00000000], [0b11000000], [0b11100000]], np.uint8)
>>> truth = GroundTruth.from_labels(np.array([0]), np.array([1, 0]))
>>> found = evaluate(codes[:1], codes[1:], truth, num_bits=4)
>>> found["mean_average_precision"], found["hd3p"]
(0.5, 0.5)
>>> statistics = code_statistics(codes, num_bits=4)
>>> statistics["num_distinct_codes"], statistics["num_constant_bits"]
(3, 1)
"""

from dsth_jax.metrics.code_statistics import code_statistics
from dsth_jax.metrics.curves import max_f_measure
from dsth_jax.metrics.evaluate_codes import evaluate
from dsth_jax.metrics.evaluate_cosine import evaluate_features

__all__ = ["code_statistics", "evaluate", "evaluate_features", "max_f_measure"]
