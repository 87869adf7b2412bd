"""The one rule for seeds."""

import jax

from dsth_jax.runtime import artifacts


def stage_key(seed: int, stage: str) -> jax.Array:
  """Returns a stage's key: its name folded into the seed of the run."""
  number = int(artifacts.fingerprint(stage), 16) % 2**31
  return jax.random.fold_in(jax.random.key(seed), number)
