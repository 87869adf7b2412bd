"""Queries whose relevant images are listed by name.

>>> lists = [ImageList("query/a", relevant=("1.jpg",), ignored=("2.jpg",))]
>>> names = ("1.jpg", "2.jpg", "3.jpg", "query/a")
>>> truth = ground_truth(lists, names)
>>> truth.is_relevant(np.array([3]), np.array([[0, 1, 2]]))
array([[ True, False, False]])
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from dsth_jax.ground_truth import GroundTruth


class ImageList(NamedTuple):
  """What is relevant to a query, by the names of images.

  Attributes:
    query: the image that searches.
    relevant: images that it should find.
    ignored: images that are left out of its ranking.
  """

  query: str
  relevant: tuple[str, ...]
  ignored: tuple[str, ...] = ()


def ground_truth(
  lists: Sequence[ImageList], names: Collection[str]
) -> GroundTruth:
  """Returns the ground truth of all images from the lists of the queries.

  Raises:
    ValueError: as `check`.
  """
  check(lists, names)
  wanted = {name for each in lists for name in _named(each)}
  # Of a million names, only those of the lists are kept.
  rows = {name: row for row, name in enumerate(names) if name in wanted}
  return GroundTruth.lists_within(
    np.array([rows[each.query] for each in lists], np.int64),
    [[rows[name] for name in each.relevant] for each in lists],
    num_images=len(names),
    ignored=[[rows[name] for name in each.ignored] for each in lists],
  )


def check(lists: Sequence[ImageList], names: Collection[str]) -> None:
  """Refuses lists that do not fit the images.

  Raises:
    ValueError: a query has no relevant image, an image is relevant and ignored,
      or a list names one that is not there.
  """
  wanted = {name for each in lists for name in _named(each)}
  found = wanted.intersection(names)
  for each in lists:
    if not each.relevant:
      raise ValueError(
        f"the query {each.query} has no relevant image, so that no ranking of it "
        "can be measured: use the lists as published."
      )
    for name in set(each.relevant).intersection(each.ignored):
      raise ValueError(
        f"the lists of the query {each.query} name {name} as relevant and as "
        "ignored: use the lists as published."
      )
    for name in _named(each):
      if name not in found:
        raise ValueError(
          f"the lists of the query {each.query} name {name}, but there is no such "
          "image, or it could not be read: use images and lists as published."
        )


def _named(each: ImageList) -> tuple[str, ...]:
  return (each.query, *each.relevant, *each.ignored)
