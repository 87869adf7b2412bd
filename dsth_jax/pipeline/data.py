"""The images of a run, and which of them do what."""

import collections
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import jax
from absl import logging
from ml_collections import ConfigDict

from dsth_jax import datasets
from dsth_jax.datasets import prepared_files
from dsth_jax.pipeline import shared_labels
from dsth_jax.pipeline.workdir import Workdir, settings
from dsth_jax.runtime import artifacts, distributed, files
from dsth_jax.runtime.artifacts import Artifact, Writer

Result = TypeVar("Result")
# Classes that the log names.
_MOST_CLASSES = 12


class Data(NamedTuple):
  """The images of a run and who queries whom.

  Attributes:
    dataset: the images and their ground truth.
    splits: queries, database and training images.
    split: the artifact of the splits, which others depend on.
  """

  dataset: datasets.Dataset
  splits: datasets.Splits
  split: Artifact


def load(workdir: Workdir, config: ConfigDict) -> Data:
  """Opens the images, draws the splits, and lists what was skipped."""
  return split(workdir, config, open_images(workdir, config))


def open_images(workdir: Workdir, config: ConfigDict) -> datasets.Dataset:
  """Opens the images, prepared where that is needed."""
  files.check_utf8(config.data.data_dir, "data.data_dir")
  prepared = prepared_files.folder(config.data.name, config.data.data_dir)
  # Preparing writes, where the others then only read.
  with workdir.timed("data"), distributed.leader_first():
    if distributed.is_leader():
      prepared_files.remove_damaged(prepared)
    dataset = datasets.load(
      config.data.name,
      root=config.data.root,
      labels_file=config.data.labels_file,
      label_field=config.data.label_field,
      data_dir=config.data.data_dir,
      max_pixels=config.data.max_pixels,
      stored_size=config.data.stored_size,
      max_bytes=config.data.max_bytes,
      unlabelled=config.data.unlabelled,
      num_training=config.data.num_training,
      seed=config.seed,
    )
    if distributed.is_leader():
      prepared_files.seal(prepared)
  if config.data.ignore_labels:
    return dataset._replace(ground_truth=None, class_names=())
  return dataset


def split(
  workdir: Workdir, config: ConfigDict, dataset: datasets.Dataset
) -> Data:
  """Draws the splits, and lists what was skipped.

  Labels that no query shares with the database are left out, with a warning.
  """
  splits = datasets.PROTOCOLS[config.data.protocol](
    dataset.parts,
    dataset.ground_truth,
    num_queries=config.data.num_queries,
    seed=config.seed,
  )

  def make(writer: Writer) -> None:
    writer.write(**splits._asdict())

  drawn = workdir.artifact(
    "splits",
    [
      {"images": dataset.fingerprint},
      # Sets of the same images can have other labels.
      settings(config, "data.name", "data.label_field", "data.protocol"),
      settings(config, "data.num_queries", "data.ignore_labels", "seed"),
    ],
    make,
  )
  counted = count(dataset)
  skipped = "".join(
    f"{name}\t{datasets.escape(reason)}\n" for name, reason in dataset.skipped
  )
  text = f"# {counted.sentence()}\n{skipped}"
  artifacts.write_text(workdir.path / "skipped.txt", text)
  logging.info("%s", counted.sentence())
  logging.info("%s", class_sizes(dataset))
  logging.info(
    "%d images, of which %d queries, %d in the database, %d for training",
    len(dataset.names),
    *map(len, splits),
  )
  return Data(shared_labels.keep_measurable(dataset, splits), splits, drawn)


def with_intact_images(
  config: ConfigDict, work: Callable[[], Result]
) -> Result:
  """Does work on images; prepares them again where they turn out damaged.

  Raises:
    ValueError: they are damaged, and other processes are in the work too.
  """
  try:
    return work()
  except RuntimeError as error:
    prepared = prepared_files.folder(config.data.name, config.data.data_dir)
    if not prepared_files.is_damage(error) or not (
      prepared_files.remove_damaged(prepared, is_read=True)
    ):
      raise
    if jax.process_count() > 1:
      raise ValueError(
        f"the prepared images in {prepared} are damaged: give the same "
        "command again, and they are prepared again."
      ) from error
  return work()


def count(dataset: datasets.Dataset) -> datasets.Account:
  """Returns what became of everything in the source of the images."""
  num_read = len(dataset.names)
  return dataset.account or datasets.Account(num_read, num_read, {}, {})


def class_sizes(dataset: datasets.Dataset) -> str:
  """Names the classes and their numbers of images, the largest first."""
  truth, names = dataset.ground_truth, dataset.class_names
  if truth is None or not names:
    return "no class names"
  if truth.classes is None:
    return f"{len(names)} classes, of which an image may have several"
  sizes = collections.Counter(
    names[label] for label in truth.classes.tolist() if label >= 0
  ).most_common()
  listed = [f"{name} {size:,}" for name, size in sizes[:_MOST_CLASSES]]
  if len(sizes) > _MOST_CLASSES:
    listed.append(f"and {len(sizes) - _MOST_CLASSES:,} more")
  return f"{len(sizes):,} classes: {', '.join(listed)}"


def check_training_size(config: ConfigDict, data: Data) -> None:
  """Refuses what neither the graph nor the eigenproblem could use."""
  num_images = len(data.splits.training)
  needed = needed_training_images(config)
  if num_images < max(needed.values()):
    raise ValueError(
      f"There are {num_images:,} training images, but at least "
      f"{max(needed.values()):,} are needed ({listed(needed)}): add "
      "images, or lower these settings."
    )
  if config.train.batch_size % jax.device_count():
    raise ValueError(
      f"train.batch_size is {config.train.batch_size}, but a batch is split "
      f"over {jax.device_count()} devices: choose a multiple of that."
    )


def needed_training_images(config: ConfigDict) -> dict[str, int]:
  """Returns what the graph, its eigenvectors and a batch need, by setting."""
  return {
    f"graph.num_neighbors={config.graph.num_neighbors}": (
      config.graph.num_neighbors + 1
    ),
    f"num_bits={config.num_bits}": config.num_bits + 1,
    f"train.batch_size={config.train.batch_size}": config.train.batch_size,
  }


def listed(needed: Mapping[str, int]) -> str:
  """Returns what settings need, as a part of a sentence."""
  return ", ".join(f"{number:,} for {name}" for name, number in needed.items())


def describe(config: ConfigDict, data: Data) -> dict[str, Any]:
  """Says in a few words what the data is."""
  name = config.data.name
  if name == "image_folder":
    name = datasets.escape(pathlib.Path(config.data.root).name) or name
  return {
    "dataset": name,
    "protocol": config.data.protocol,
    "num_images": len(data.dataset.names),
    "num_queries": len(data.splits.query),
    "num_database": len(data.splits.database),
    "num_training": len(data.splits.training),
    "backbone": datasets.escape(
      config.features.file or config.features.backbone
    ),
  }
