"""The stages of a run, a file each, in the order of the line.

Only this package and `comparison` read the fields of a configuration. Each
stage is an artifact in the working directory, made again when something that it
depends on has changed, and reused otherwise.
"""

from dsth_jax.pipeline.hash_function import load_hash_function
from dsth_jax.pipeline.run_dsth import run

__all__ = ["load_hash_function", "run"]
