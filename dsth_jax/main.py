"""Runs one configuration: `python -m dsth_jax.main --config=FILE`."""

import pathlib
import sys
import traceback

import jax
from absl import app, flags, logging
from ml_collections import config_flags

from dsth_jax import config as config_lib
from dsth_jax import pipeline, sharding

_CONFIG = config_flags.DEFINE_config_file(
  "config",
  config_lib.__file__,
  "The run's settings, a file in configs/; without one, the digits. Change a "
  "field with --config.section.field=value.",
)
_WORKDIR = flags.DEFINE_string(
  "workdir", "runs/digits", "Where the run's results go; rerun to go on."
)


def main(argv: list[str]) -> None:
  """Runs the pipeline; what a person can mend is said in one sentence."""
  if len(argv) > 1:
    raise app.UsageError(f"Stray argument {argv[1]!r}: flags begin with --.")
  logging.set_verbosity(logging.INFO)
  # The warnings of JAX and Orbax about their own inner workings.
  logging.get_absl_logger().addFilter(lambda record: _is_ours(record.pathname))
  config, workdir = _CONFIG.value, pathlib.Path(_WORKDIR.value)
  try:
    config_lib.validate(config)
    sharding.split_cpu(config.train.batch_size)
    pipeline.run(config, workdir)
  except (ValueError, OSError) as error:
    logging.debug("%s", traceback.format_exc())
    sys.exit(f"dsth_jax: {_sentence(error)}")


def _is_ours(path: str) -> bool:
  return pathlib.Path(__file__).parent in pathlib.Path(path).parents


def _sentence(error: ValueError | OSError) -> str:
  if isinstance(error, OSError):
    return (
      f"{error.strerror or error}: {error.filename or _WORKDIR.value}. Check "
      "the path, its permissions and the free space; what was finished is "
      "kept, and the same command goes on from there."
    )
  return str(error)


if __name__ == "__main__":
  jax.config.config_with_absl()
  app.run(main)
