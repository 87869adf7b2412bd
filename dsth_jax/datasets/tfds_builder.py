"""TFDS builders with records in order and a table of their names and labels.

TFDS's `GeneratorBasedBuilder` shuffles records by a hash of their key, with
TensorFlow above a gigabyte; `ShardBasedBuilder` keeps their order. The table is
in `contents.json`, so that opening a set of a million images does not read a
million records for their labels.
"""

import abc
import contextlib
import json
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds
from absl import logging
from tensorflow_datasets.core import dataset_builder, decode

from dsth_jax.datasets.dataset import Dataset, Images, Skipped
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.runtime import progress

# Images that only train are "unlabelled", as TFDS's catalogue writes it.
PARTS = ("train", "database", "test", "unlabelled")

# TFDS keeps the records of the file that it writes in memory, and a reader holds
# every file open; systems allow about 1,024 for each process.
_MIN_RECORDS_A_FILE = 1_024
MAX_FILES_A_PART = 256


class Record(NamedTuple):
  """An image to be written to the prepared set.

  Attributes:
    name: unique.
    image: JPEG or PNG.
    label: index of the class, or None.
  """

  name: str
  image: bytes
  label: int | None


class OrderedBuilder(dataset_builder.ShardBasedBuilder):
  """A builder that keeps the order of its sources and lists skipped images.

  Attributes:
    class_names: of the labels; empty without.
  """

  class_names: tuple[str, ...] = ()

  @abc.abstractmethod
  def sources(self) -> dict[str, Sequence[Any]]:
    """Returns the sources for `read`, under "train" and perhaps other `PARTS`."""

  @abc.abstractmethod
  def read(self, sources: Sequence[Any]) -> Iterator[Record | Skipped]:
    """Yields the record of every source, or the reason to skip it."""

  @property
  def is_prepared(self) -> bool:
    """Whether the complete set is on disk; TFDS renames it at the end."""
    return pathlib.Path(self.data_dir).is_dir()

  def _info(self) -> tfds.core.DatasetInfo:
    features: dict[str, Any] = {
      "image": tfds.features.Image(),
      "name": tfds.features.Text(),
    }
    if self.class_names:
      # TFDS writes names as lines and strips them when it reads; contents.json
      # keeps any name of a folder.
      features["label"] = tfds.features.ClassLabel(
        num_classes=len(self.class_names)
      )
    return tfds.core.DatasetInfo(
      builder=self, features=tfds.features.FeaturesDict(features)
    )

  def _download_and_prepare(
    self, dl_manager: Any, download_config: Any = None
  ) -> None:
    # TFDS calls this with data_dir set to a temporary directory, which it
    # renames when this returns and removes when this raises.
    self._records: dict[str, list[tuple[str, int | None]]] = {}
    self._skipped: list[Skipped] = []
    total = sum(map(len, self.sources().values()))
    with progress.Progress(
      f"preparing {self.name}", unit="images", total=total
    ) as bar:
      self._bar = bar
      self._write_parts(dl_manager, download_config)
    if not any(self._records.values()):
      raise ValueError(
        f"none of the {total} images could be read; the first, "
        f"{self._skipped[0].name}: {self._skipped[0].reason}. Check whether "
        "the files are damaged, or what made them is not finished."
      )
    contents = {
      "class_names": self.class_names,
      "records": self._records,
      "skipped": self._skipped,
    }
    path = pathlib.Path(self.data_dir) / "contents.json"
    path.write_text(json.dumps(contents), encoding="utf-8")

  def _write_parts(self, dl_manager: Any, download_config: Any) -> None:
    super()._download_and_prepare(dl_manager, download_config)

  def _shard_iterators_per_split(self, dl_manager: Any) -> dict[str, list[Any]]:
    del dl_manager
    return {
      part: [self._shard(part, shard) for shard in _shards(sources)]
      for part, sources in self.sources().items()
    }

  def _shard(self, part: str, sources: Sequence[Any]) -> Any:
    """Returns a function that yields the records of one file."""

    def examples() -> Iterator[tuple[str, dict[str, Any]]]:
      done = self._records.setdefault(part, [])
      for record in self.read(sources):
        self._bar.update()
        if isinstance(record, Skipped):
          self._skipped.append(record)
          continue
        done.append((record.name, record.label))
        example: dict[str, Any] = {"image": record.image, "name": record.name}
        if self.class_names:
          example["label"] = _number(record.label)
        yield record.name, example

    return examples

  def _log_download_bytes(self) -> None:
    """Keeps TFDS from printing a download of unknown size."""

  def _log_download_done(self) -> None:
    """Keeps TFDS from printing the path."""


def prepare(builder: OrderedBuilder) -> None:
  """Prepares a set unless it is there, through a directory that is renamed.

  Raises:
    ValueError: no image could be read, or the disk failed.
  """
  target = pathlib.Path(builder.data_dir)
  if not builder.is_prepared:
    try:
      builder.download_and_prepare(
        file_format=tfds.core.FileFormat.ARRAY_RECORD,
        download_config=tfds.download.DownloadConfig(try_download_gcs=False),
      )
    except (OSError, RuntimeError) as error:
      # The writer of array_record files raises RuntimeError. If another process
      # was first, its set is used.
      if not builder.is_prepared:
        raise ValueError(
          f"preparing the images in {target} failed ({error}): check the "
          "disks, or pass a data_dir with room and permission to write; the same "
          "command goes on from the files that are finished."
        ) from error
  # Files of a killed process are of no use now.
  for leftover in target.parent.glob("incomplete.*"):
    shutil.rmtree(leftover, ignore_errors=True)


def open_prepared(
  data_dir: str, *, fingerprint: str, lock: object = None
) -> Dataset:
  """Returns the set that `prepare` wrote to a directory.

  Args:
    data_dir: of the builder.
    fingerprint: of the images.
    lock: kept as long as the images, see `Images`.
  """
  path = pathlib.Path(data_dir) / "contents.json"
  contents = json.loads(path.read_text(encoding="utf-8"))
  builder = tfds.builder_from_directory(data_dir)
  # A part without a readable image has no records to open.
  found = [part for part in PARTS if contents["records"].get(part)]
  records = [contents["records"][part] for part in found]
  names = tuple(name for part in records for name, _ in part)
  labels = np.array([_number(label) for part in records for _, label in part])
  class_names = tuple(contents["class_names"])
  return Dataset(
    images=open_images(builder, found, "image", lock),
    ground_truth=GroundTruth.leave_one_out(labels) if class_names else None,
    class_names=class_names,
    parts=np.repeat(found, [len(part) for part in records]),
    names=names,
    skipped=tuple(Skipped(*skipped) for skipped in contents["skipped"]),
    fingerprint=fingerprint,
  )


def open_images(
  builder: tfds.core.DatasetBuilder,
  splits: Sequence[str],
  feature: str,
  lock: object = None,
) -> Images:
  """Joins the splits of a prepared set, without decoding any image."""
  raw = decode.DeserializeMethod.RAW_BYTES
  sources = [builder.as_data_source(s, deserialize_method=raw) for s in splits]
  return Images(sources, feature, lock)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
  """Disables TFDS's warnings, such as those of a config that it does not know."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    yield
  finally:
    logging.set_verbosity(verbosity)


def _number(label: int | None) -> int:
  """Returns a label as TFDS writes it: -1 is none."""
  return -1 if label is None else label


def records_a_file(num_records: int) -> int:
  """Returns how many records of a part a file gets."""
  return max(_MIN_RECORDS_A_FILE, -(-num_records // MAX_FILES_A_PART))


def _shards(sources: Sequence[Any]) -> list[Sequence[Any]]:
  size = records_a_file(len(sources))
  return [sources[i : i + size] for i in range(0, len(sources), size)]
