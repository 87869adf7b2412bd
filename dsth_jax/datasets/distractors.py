"""Photographs in archives that make a search harder."""

from collections.abc import Collection, Iterator

from dsth_jax.datasets import file_kinds
from dsth_jax.datasets.archives import Archive
from dsth_jax.datasets.published_builder import Photograph


def image_names(archive: Archive) -> tuple[str, ...]:
  """Returns the image files of an archive, in stored order."""
  return tuple(
    name
    for name in archive.names
    if file_kinds.suffix_of(name) in file_kinds.SUFFIXES
  )


def check_count(
  archive: Archive, what: str, found: int, published: Collection[int]
) -> None:
  """Raises ValueError unless there are as many images as published."""
  if found not in published:
    needed = " or ".join(f"{number:,}" for number in published)
    raise ValueError(
      f"{archive.path} has {found:,} {what}, but {needed} are published: "
      f"{archive.again}."
    )


def distractors(archive: Archive) -> Iterator[Photograph]:
  """Yields the images of an archive, named after its folder.

  The list of the archive is freed afterwards: that of a million images is large.
  """
  for name in image_names(archive):
    yield Photograph(archive, name, f"{archive.published.folder}/{name}", None)
  archive.release()
