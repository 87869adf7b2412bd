"""Any methods, code lengths and seeds on one data set, under one protocol.

All methods learn from the same images with the same features, are asked the
same queries, and are evaluated by the metrics of a run. A cell is measured at
once: a method, a number of bits and a seed.
"""

from dsth_jax.comparison.run import refuse_failures, run

__all__ = ["refuse_failures", "run"]
