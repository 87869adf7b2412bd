"""What became of everything that was found in a source of images.

>>> count(4, 2, [Skipped("a.jpg", "is empty")], {".txt": 1}).sentence()
'4 files found: 2 images read, 1 skipped (is empty: 1), 1 not an image (.txt: 1)'
"""

import collections
from collections.abc import Iterable, Mapping
from typing import NamedTuple

# Reasons and kinds that a sentence names; all are in the account.
_MOST = 6


class Skipped(NamedTuple):
  """An image file that could not be used, and why."""

  name: str
  reason: str


class Account(NamedTuple):
  """Numbers of files; `found` is the sum of all others.

  Attributes:
    found: files, and folders that were left out as a whole.
    num_read: images.
    skipped: images that could not be used, by reason.
    not_images: all else, by kind: a suffix, or why it was left out.
  """

  found: int
  num_read: int
  skipped: Mapping[str, int]
  not_images: Mapping[str, int]

  def sentence(self) -> str:
    """Returns the account in one line."""
    skipped, others = sum(self.skipped.values()), sum(self.not_images.values())
    files = "1 file" if self.found == 1 else f"{self.found:,} files"
    images = "1 image" if self.num_read == 1 else f"{self.num_read:,} images"
    text = f"{files} found: {images} read"
    text += f", {skipped:,} skipped{_listed(self.skipped)}"
    what = "not an image" if others == 1 else "not images"
    return f"{text}, {others:,} {what}{_listed(self.not_images)}"


def count(
  found: int,
  num_read: int,
  skipped: Iterable[Skipped],
  not_images: Mapping[str, int],
) -> Account:
  """Returns the account, once its sum is checked.

  Args:
    found: counted apart from the others.
    num_read: images.
    skipped: a reason is counted by its text up to a colon.
    not_images: by kind.
  """
  reasons = collections.Counter(one.reason.partition(":")[0] for one in skipped)
  account = Account(
    found, num_read, dict(reasons.most_common()), dict(not_images)
  )
  total = num_read + reasons.total() + sum(not_images.values())
  if total != found:
    raise AssertionError(f"{found} files were found, but {account} has {total}")
  return account


def total(accounts: Iterable[Account]) -> Account:
  """Returns the sum of several accounts."""
  skipped: collections.Counter[str] = collections.Counter()
  not_images: collections.Counter[str] = collections.Counter()
  found = num_read = 0
  for account in accounts:
    found += account.found
    num_read += account.num_read
    skipped.update(account.skipped)
    not_images.update(account.not_images)
  return Account(found, num_read, dict(skipped), dict(not_images))


def _listed(counts: Mapping[str, int]) -> str:
  """Returns the most frequent names and their counts, in brackets."""
  if not counts:
    return ""
  ordered = collections.Counter(counts).most_common()
  shown = [f"{name}: {number:,}" for name, number in ordered[:_MOST]]
  more = len(ordered) - len(shown)
  if more > 0:
    shown.append(f"{more:,} more")
  return f" ({', '.join(shown)})"
