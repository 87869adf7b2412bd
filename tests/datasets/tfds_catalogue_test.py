"""Sets of TFDS's catalogue."""

import io
import pathlib
import subprocess
import sys
from types import MappingProxyType

import numpy as np
import pytest
import tensorflow_datasets as tfds
from absl import app, flags
from absl.testing import flagsaver
from PIL import Image
from support.folders import pattern, write

from dsth_jax import datasets
from dsth_jax.datasets import prepare


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
def test_set_that_is_not_prepared(store, name):
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
  """A set with three kinds of labels, one of them several an image."""

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


def test_prepare_makes_what_load_reads(store, monkeypatch):
  # Unlike those of the catalogue, this set does without.
  monkeypatch.setattr(prepare, "_has_tensorflow", lambda: True)
  location = prepare.prepare("fake_photos", str(store))
  assert pathlib.Path(location) == store / "fake_photos" / "1.2.3"
  assert len(datasets.load("fake_photos", data_dir=str(store)).images) == 13


def run_prepare(name, *arguments):
  if not flags.FLAGS.is_parsed():
    flags.FLAGS(["tests"])
  with flagsaver.flagsaver(name=name):
    prepare.main(["prepare", *arguments])


def test_prepare_refuses_a_stray_argument():
  with pytest.raises(app.UsageError, match="unknown argument stray"):
    run_prepare("cifar10", "stray")


def test_prepare_refuses_an_unknown_set():
  with pytest.raises(app.UsageError, match="'nosuchset' is unknown"):
    run_prepare("nosuchset")


def test_prepare_needs_tensorflow(monkeypatch):
  monkeypatch.setattr(prepare, "_has_tensorflow", lambda: False)
  with pytest.raises(app.UsageError, match="takes TensorFlow, which is not"):
    run_prepare("cifar10")


def test_prepare_is_a_command():
  command = [sys.executable, "-m", "dsth_jax.datasets.prepare"]
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  assert done.returncode != 0
  assert "--name is missing" in done.stdout + done.stderr


def test_set_of_another_file_format(store):
  prepare_fake(store)
  info = store / "fake_photos/1.2.3/dataset_info.json"
  info.write_text(info.read_text().replace("array_record", "tfrecord"))
  with pytest.raises(ValueError, match=r"as tfrecord files.*another data_dir"):
    datasets.load("fake_photos", data_dir=str(store))


def test_no_tensorflow_and_no_chatter(root, store):
  write(root / "x.png")
  code = (
    "import sys\n"
    "from dsth_jax import datasets\n"
    "d = datasets.load('image_folder', root=sys.argv[1], data_dir=sys.argv[2])\n"
    "list(d.images)\n"
    "assert 'tensorflow' not in sys.modules\n"
  )
  done = subprocess.run(
    [sys.executable, "-c", code, str(root), str(store)],
    capture_output=True,
    text=True,
    check=True,
  )
  assert done.stdout == ""
  lines = done.stderr.replace("\r", "\n").splitlines()
  assert all(
    line.startswith("Preparing image_folder") for line in lines if line
  )
