"""Every image at the size that a hash network sees."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from dsth_jax.datasets import batches
from dsth_jax.datasets.dataset import Dataset
from dsth_jax.pipeline.workdir import Workdir, write_rows
from dsth_jax.runtime.artifacts import Artifact, Writer

# Images that are resized between two records of how far it went.
_BATCH_SIZE = 1024


def resize_images(
  workdir: Workdir, dataset: Dataset, image_size: int
) -> Artifact:
  """Returns `pixels` UInt8[n s s 3]."""
  images = dataset.images

  def make(writer: Writer) -> None:
    def resized(rows: Int[np.ndarray, "m"]) -> Iterator[np.ndarray]:
      return batches.image_batches(
        batches.Selection(images, rows),
        image_size=image_size,
        batch_size=_BATCH_SIZE,
      )

    write_rows(
      writer,
      resized,
      name="pixels",
      like=np.zeros((image_size, image_size, 3), np.uint8),
      num_rows=len(images),
      batch_size=_BATCH_SIZE,
    )

  depends_on = [{"images": dataset.fingerprint, "model.image_size": image_size}]
  return workdir.artifact("pixels", depends_on, make)
