"""Downloads and prepares a set of TFDS's catalogue, once.

This needs TensorFlow; reading the prepared set does not:

  pip install "dsth_jax[tfds]"
  python -m dsth_jax.datasets.prepare --name=cifar10 --data_dir=DIR
"""

import importlib.util
from collections.abc import Sequence

import tensorflow_datasets as tfds
from absl import app, flags

from dsth_jax.datasets import tfds_catalogue

_NAME = flags.DEFINE_string("name", "", "Name in TFDS's catalogue.")
_DATA_DIR = flags.DEFINE_string(
  "data_dir", "", "Where to put it; by default that of TFDS."
)


def prepare(name: str, data_dir: str) -> str:
  """Prepares a set as array_record files and returns where they are.

  Raises:
    ValueError: there is no such set, or no TensorFlow to prepare it with.
  """
  builder = tfds_catalogue.find(name, data_dir)
  if not builder.is_prepared() and not _has_tensorflow():
    raise ValueError(
      f"preparing {name} needs TensorFlow, which is not installed: "
      'pip install "dsth_jax[tfds]"'
    )
  builder.download_and_prepare(
    file_format=tfds.core.FileFormat.ARRAY_RECORD,
    download_config=tfds.download.DownloadConfig(try_download_gcs=False),
  )
  tfds_catalogue.check_prepared(builder, name, data_dir)
  return str(builder.data_dir)


def _has_tensorflow() -> bool:
  return importlib.util.find_spec("tensorflow") is not None


def main(argv: Sequence[str]) -> None:
  """Prepares the set that the flags name."""
  if len(argv) > 1:
    raise app.UsageError(f"unknown argument {argv[1]}: pass --name=NAME.")
  if not _NAME.value:
    raise app.UsageError(
      "--name is missing: pass, for example, --name=cifar10."
    )
  try:
    print(prepare(_NAME.value, _DATA_DIR.value))
  except ValueError as error:
    raise app.UsageError(str(error)) from error


if __name__ == "__main__":
  app.run(main)
