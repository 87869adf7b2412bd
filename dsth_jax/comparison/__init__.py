"""Any methods, code lengths and seeds on one data set, under one protocol.

All methods learn from the same images with the same features, are asked the
same queries, and are judged by the metrics of a run. What is measured at once
is a cell: a method, a number of bits and a seed.
"""

from dsth_jax.comparison.run import refuse_failures, run

__all__ = ["refuse_failures", "run"]
