"""Encoded images in shards: find them, read one, resize its images.

>>> import io, pathlib, tarfile, tempfile
>>> folder = tempfile.TemporaryDirectory()
>>> path = pathlib.Path(folder.name) / "photos-000.tar"
>>> with tarfile.open(path, "w") as tar:
...   member = tarfile.TarInfo("000001.jpg")
...   member.size = 4
...   tar.addfile(member, io.BytesIO(b"JPEG"))
>>> (shard,) = find(f"{folder.name}/photos-*.tar", images_per_shard=1000)
>>> shard.kind, list(read(shard))
('tar', [Encoded(name='000001', data=b'JPEG')])
>>> limits = {"max_pixels": 1000, "stored_size": 256}
>>> list(resized_images(shard, image_size=32, **limits))
[Skipped(name='000001', reason='is not an image: its content is not ...')]
>>> folder.cleanup()
"""

from dsth_jax.datasets.shards.items import Encoded, NotImage
from dsth_jax.datasets.shards.listing import Shard, find
from dsth_jax.datasets.shards.readers import (
  ShardError,
  pyarrow_modules,
  read,
)
from dsth_jax.datasets.shards.resized import ResizedImage, resized_images

__all__ = [
  "Encoded",
  "NotImage",
  "ResizedImage",
  "Shard",
  "ShardError",
  "find",
  "pyarrow_modules",
  "read",
  "resized_images",
]
