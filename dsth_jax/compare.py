"""Compares methods: `python -m dsth_jax.compare --config=FILE`."""

import pathlib

from absl import flags
from ml_collections import ConfigDict

from dsth_jax import comparison
from dsth_jax.cli import command

flags.adopt_module_key_flags(command)


def compare(config: ConfigDict, workdir: pathlib.Path) -> None:
  """Measures and reports all methods; fails in the end if one of them did."""
  comparison.refuse_failures(comparison.run(config, workdir))


if __name__ == "__main__":
  command.run(compare, workdir="runs/compare_digits")
