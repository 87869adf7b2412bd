"""What is found in a shard."""

from typing import NamedTuple

from dsth_jax.datasets.account import Skipped


class Encoded(NamedTuple):
  """An image of a shard.

  Attributes:
    name: in the shard, see `image_names.escape`.
    data: bytes of an image file, not checked.
  """

  name: str
  data: bytes


class NotImage(NamedTuple):
  """Members or files that are no images.

  Attributes:
    kind: their suffix, or why they are left out.
    number: of them.
  """

  kind: str
  number: int = 1


Item = Encoded | Skipped | NotImage
