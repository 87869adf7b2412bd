"""The flag that turns progress off."""

from absl import flags

from dsth_jax.runtime import progress

_QUIET = flags.DEFINE_bool(
  "quiet",
  False,
  "Shows no progress: no bars, and no lines in between where output is not a "
  "terminal.",
)


def apply() -> None:
  """Does what the flag says; call it once flags are parsed."""
  progress.be_quiet(_QUIET.value)
