"""Sets of TFDS's catalogue."""

import io
from types import MappingProxyType

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from support.fake_photos import FakePhotos, prepare_fake
from support.folders import pattern

from dsth_jax import datasets


def test_prepared_set_of_the_catalogue(store):
  prepare_fake(store)
  dataset = datasets.load("fake_photos", data_dir=str(store))
  assert list(dataset.parts) == ["train"] * 10 + ["test"] * 3
  assert dataset.names[9:11] == ("train/9", "test/0")
  assert dataset.class_names == ("cat", "dog", "owl")
  np.testing.assert_array_equal(dataset.ground_truth.classes, np.arange(13) % 3)
  for i, image in enumerate(dataset.images):
    np.testing.assert_array_equal(image, pattern(6, 8, i))
  again = datasets.load("fake_photos", data_dir=str(store))
  assert again.fingerprint == dataset.fingerprint


@pytest.mark.parametrize("name", ["cifar10", "stl10"])
def test_a_set_that_is_not_prepared_is_refused(store, name):
  with pytest.raises(ValueError, match="is not prepared") as error:
    datasets.load(name, data_dir=str(store))
  assert 'pip install "dsth_jax[tfds]"' in str(error.value)
  command = (
    f"python -m dsth_jax.datasets.prepare --name={name} --data_dir={store}"
  )
  assert command in str(error.value)


def test_images_without_a_label_keep_the_others(store, monkeypatch):
  prepare_fake(store)
  labels = [0, -1, 2, 1] + [-1] * 9
  monkeypatch.setattr(
    datasets.Images, "integers", lambda *_: iter([[label] for label in labels])
  )
  dataset = datasets.load("fake_photos", data_dir=str(store))
  np.testing.assert_array_equal(dataset.ground_truth.classes, labels)


def test_a_set_of_unknown_labels_has_none(store, monkeypatch):
  prepare_fake(store)
  monkeypatch.setattr(datasets.Images, "integers", lambda *_: iter([[-1]] * 13))
  dataset = datasets.load("fake_photos", data_dir=str(store))
  assert dataset.ground_truth is None
  assert dataset.class_names == ()


class FakeScenes(FakePhotos):
  """A set with three kinds of labels, one of them with several for an image."""

  labels = MappingProxyType(
    {
      "coarse": tfds.features.ClassLabel(names=["in", "out"]),
      "fine": tfds.features.ClassLabel(names=["cat", "dog", "owl"]),
      "tags": tfds.features.Sequence(
        tfds.features.ClassLabel(names=["red", "green", "blue"])
      ),
    }
  )

  def _info(self):
    features = {"image": tfds.features.Image(shape=(6, 8, 3)), **self.labels}
    return tfds.core.DatasetInfo(
      builder=self, features=tfds.features.FeaturesDict(features)
    )

  def _shard_iterators_per_split(self, dl_manager):
    def examples():
      for i, tags in enumerate([[0, 2], [], [1], [2], [0, 1, 2]]):
        encoded = io.BytesIO()
        Image.fromarray(pattern(6, 8, i)).save(encoded, "PNG")
        given = {"coarse": i % 2, "fine": i % 3, "tags": tags}
        labels = {name: given[name] for name in self.labels}
        yield f"{i}", {"image": encoded.getvalue(), **labels}

    return {"train": [examples]}


class FakeUnlabeled(FakeScenes):
  """A set without any label."""

  labels = MappingProxyType({})


def load_scenes(store, label_field="", builder=FakeScenes):
  builder(data_dir=str(store)).download_and_prepare(file_format="array_record")
  return datasets.load(
    builder.name, data_dir=str(store), label_field=label_field
  )


def test_a_label_field_is_chosen(store):
  coarse, fine = (load_scenes(store, name) for name in ("coarse", "fine"))
  np.testing.assert_array_equal(coarse.ground_truth.classes, [0, 1, 0, 1, 0])
  np.testing.assert_array_equal(fine.ground_truth.classes, [0, 1, 2, 0, 1])
  assert coarse.class_names == ("in", "out")
  assert fine.class_names == ("cat", "dog", "owl")


def test_several_labels_an_image(store):
  dataset = load_scenes(store, "tags")
  assert dataset.class_names == ("red", "green", "blue")
  assert dataset.ground_truth.classes is None
  rows = np.tile(np.arange(5), (5, 1))
  np.testing.assert_array_equal(
    dataset.ground_truth.is_relevant(np.arange(5), rows),
    [
      [False, False, False, True, True],
      [False] * 5,
      [False, False, False, False, True],
      [True, False, False, False, True],
      [True, False, True, True, False],
    ],
  )


def test_several_label_fields_need_a_choice(store):
  with pytest.raises(ValueError, match="coarse, fine, tags: choose one with"):
    load_scenes(store)


def test_an_unknown_label_field_is_refused(store):
  with pytest.raises(ValueError, match="has only coarse, fine, tags: name"):
    load_scenes(store, "id")
  with pytest.raises(ValueError, match="has none at all"):
    load_scenes(store, "id", FakeUnlabeled)
  with pytest.raises(ValueError, match="'digits' has no fields"):
    datasets.load("digits", label_field="id")


def test_a_set_without_a_label_field_has_no_labels(store):
  assert load_scenes(store, builder=FakeUnlabeled).ground_truth is None


def test_unknown_set(store):
  with pytest.raises(ValueError, match=r"'cifar1O' is unknown.*cifar10"):
    datasets.load("cifar1O", data_dir=str(store))


def test_set_without_images(store):
  with pytest.raises(ValueError, match="0 features that are an image"):
    datasets.load("imdb_reviews", data_dir=str(store))


def test_set_of_another_file_format(store):
  prepare_fake(store)
  info = store / "fake_photos/1.2.3/dataset_info.json"
  info.write_text(info.read_text().replace("array_record", "tfrecord"))
  with pytest.raises(ValueError, match=r"as tfrecord files.*another data_dir"):
    datasets.load("fake_photos", data_dir=str(store))


def test_unlabelled_images_are_asked_for(store):
  prepare_fake(store)
  without = datasets.load("fake_photos", data_dir=str(store))
  dataset = datasets.load("fake_photos", data_dir=str(store), unlabelled=True)
  assert dataset.parts.tolist() == [*without.parts, "unlabelled", "unlabelled"]
  np.testing.assert_array_equal(dataset.images[14], pattern(6, 8, 21))
  assert dataset.fingerprint != without.fingerprint
  FakeScenes(data_dir=str(store)).download_and_prepare(
    file_format="array_record"
  )
  with pytest.raises(
    ValueError, match="'fake_scenes' has only the splits train"
  ):
    datasets.load(
      "fake_scenes", data_dir=str(store), label_field="fine", unlabelled=True
    )
