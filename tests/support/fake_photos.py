"""A small set like those of TFDS's catalogue."""

import io

import tensorflow_datasets as tfds
from PIL import Image
from support.folders import pattern


class FakePhotos(tfds.core.ShardBasedBuilder):
  """A set as TFDS's catalogue has them."""

  VERSION = tfds.core.Version("1.2.3")

  def _info(self):
    features = {
      "image": tfds.features.Image(shape=(6, 8, 3)),
      "label": tfds.features.ClassLabel(names=["cat", "dog", "owl"]),
      "id": tfds.features.Text(),
    }
    return tfds.core.DatasetInfo(
      builder=self, features=tfds.features.FeaturesDict(features)
    )

  def _shard_iterators_per_split(self, dl_manager):
    def examples(first, size):
      for i in range(first, first + size):
        encoded = io.BytesIO()
        Image.fromarray(pattern(6, 8, i)).save(encoded, "PNG")
        record = {"image": encoded.getvalue(), "label": i % 3, "id": f"{i}"}
        yield f"{i}", record

    return {
      "test": [lambda: examples(10, 3)],
      "train": [lambda: examples(0, 5), lambda: examples(5, 5)],
      "unlabelled": [lambda: examples(20, 2)],
    }


def prepare_fake(store, file_format="array_record"):
  FakePhotos(data_dir=str(store)).download_and_prepare(file_format=file_format)
