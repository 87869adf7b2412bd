"""TFDS builders of published archives."""

import abc
import contextlib
import functools
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow_datasets as tfds

from dsth_jax.datasets import image_files, image_names, prefetch, tfds_builder
from dsth_jax.datasets.archives import Archive
from dsth_jax.datasets.dataset import Dataset, Skipped
from dsth_jax.runtime import artifacts

# Images that a thread takes at a time; few, as photographs have megabytes, and
# two chunks for each thread wait in memory.
_CHUNK = 4


class Photograph(NamedTuple):
  """An image file in an archive.

  Attributes:
    archive: that holds it.
    member: its name there.
    name: in the prepared set, unique; escaped there (`image_names.escape`).
    label: index of the class, or None.
    box: the part of it that is the image; None for all of it.
  """

  archive: Archive
  member: str
  name: str
  label: int | None
  box: image_files.Box | None = None


class PublishedBuilder(tfds_builder.OrderedBuilder):
  """A builder that checks the sums and counts of its archives.

  The set is prepared again when an archive, or its unpacked folder, changes.
  Nothing is left of a set that could not be prepared to the end.
  """

  VERSION = tfds.core.Version("1.0.0")

  def __init__(
    self,
    archives: Sequence[Archive],
    num_images: Mapping[str, int],
    *,
    data_dir: str,
    settings: Sequence[Any] = (),
  ):
    """Takes note of the archives; their contents are not read yet.

    Args:
      archives: closed by `load` after the preparation.
      num_images: published for each part.
      data_dir: where the prepared set goes; empty for that of TFDS.
      settings: whatever else the prepared set depends on.
    """
    self.archives = archives
    self.num_images = num_images
    states = [archive.state for archive in archives]
    self.fingerprint = artifacts.fingerprint(
      type(self).__name__,
      str(self.VERSION),
      dict(num_images),
      *settings,
      states,
    )
    with tfds_builder.quiet():
      super().__init__(
        data_dir=data_dir or None,
        config=tfds.core.BuilderConfig(name=self.fingerprint),
      )

  @abc.abstractmethod
  def find_sources(self) -> dict[str, Sequence[Any]]:
    """Returns the sources of every part, which `sources` counts."""

  def sources(self) -> dict[str, Sequence[Any]]:
    """Returns the sources of every part.

    Raises:
      ValueError: an archive is damaged, or a part has another number of images
        than published.
    """
    return self._sources

  @functools.cached_property
  def _sources(self) -> dict[str, Sequence[Any]]:
    found = self.find_sources()
    for part, needed in self.num_images.items():
      if len(found.get(part, ())) != needed:
        first = self.archives[0]
        raise ValueError(
          f"{first.path} has {len(found.get(part, ()))} {part} images, but "
          f"{needed} are published: {first.again}."
        )
    return found

  def _download_and_prepare(
    self, dl_manager: Any, download_config: Any = None
  ) -> None:
    for archive in self.archives:
      archive.check_sum()
    super()._download_and_prepare(dl_manager, download_config)


class PhotographBuilder(PublishedBuilder):
  """A builder whose sources are photographs."""

  def __init__(
    self,
    archives: Sequence[Archive],
    num_images: Mapping[str, int],
    limits: image_files.Limits,
    *,
    data_dir: str,
    settings: Sequence[Any] = (),
  ):
    """Takes note of the archives, as `PublishedBuilder`, and of the limits."""
    self._limits = limits
    super().__init__(
      archives,
      num_images,
      data_dir=data_dir,
      settings=[limits._asdict(), *settings],
    )

  def read(
    self, sources: Sequence[Photograph]
  ) -> Iterator[tfds_builder.Record | Skipped]:
    """Yields the photographs, decoded in threads."""
    return read_photographs(sources, self._limits)


def load(builder: PublishedBuilder) -> Dataset:
  """Prepares a set, if that is needed, closes its archives, and opens it."""
  with contextlib.ExitStack() as stack:
    for archive in builder.archives:
      stack.enter_context(archive)
    tfds_builder.prepare(builder)
  return tfds_builder.open_prepared(
    builder.data_dir, fingerprint=builder.fingerprint
  )


def read_photographs(
  sources: Sequence[Photograph], limits: image_files.Limits
) -> Iterator[tfds_builder.Record | Skipped]:
  """Yields image files as records, decoded and shrunk in threads.

  The bytes are stored as they are if they need no shrinking: see
  `image_files.stored_bytes`.

  Args:
    sources: read in this order.
    limits: which are read.
  """
  encode = functools.partial(_encode, limits)
  with image_files.without_pixel_limit():
    for chunk in prefetch.prefetch_map(encode, _contents(sources)):
      yield from chunk


def _contents(
  sources: Sequence[Photograph],
) -> Iterator[list[tuple[Photograph, bytes]]]:
  """Yields files and their bytes; what is known of a read archive is freed."""
  before = None
  for i in range(0, len(sources), _CHUNK):
    chunk = []
    for source in sources[i : i + _CHUNK]:
      if before is not None and before is not source.archive:
        before.release()
      before = source.archive
      chunk.append((source, source.archive.read(source.member)))
    yield chunk


def _encode(
  limits: image_files.Limits, chunk: Sequence[tuple[Photograph, bytes]]
) -> list[tfds_builder.Record | Skipped]:
  return [_record(limits, source, content) for source, content in chunk]


def _record(
  limits: image_files.Limits, source: Photograph, content: bytes
) -> tfds_builder.Record | Skipped:
  name = image_names.escape(source.name)
  try:
    if source.box is not None:
      content = image_files.cropped_bytes(
        io.BytesIO(content),
        source.box,
        max_pixels=limits.max_pixels,
        max_bytes=limits.max_bytes,
      )
    encoded = image_files.stored_bytes(io.BytesIO(content), **limits._asdict())
  except image_files.BoxError as error:
    raise ValueError(
      f"{source.member} cannot give {source.name}: {error}. Use the images and "
      "lists as published; boxes do not fit images of another size."
    ) from error
  except Exception as error:
    return Skipped(name, image_files.skip_reason(error))
  return tfds_builder.Record(name, encoded, source.label)
