"""Runs one configuration: `python -m dsth_jax.main --config=FILE`."""

from absl import flags

from dsth_jax import pipeline
from dsth_jax.cli import command

flags.adopt_module_key_flags(command)

if __name__ == "__main__":
  command.run(pipeline.run, workdir="runs/digits")
