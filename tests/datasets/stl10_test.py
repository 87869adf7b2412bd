"""STL-10 from a tiny archive in its published form."""

import numpy as np
import pytest
from support import published_sets

from dsth_jax import datasets
from dsth_jax.datasets import stl10


@pytest.fixture
def write(root, monkeypatch):
  """Writes the tiny set, so that `load` expects it."""

  def go(**options):
    tiny = published_sets.write_stl10(root, **options)
    monkeypatch.setattr(stl10, "STL10", tiny)

  return go


def load(root, store, **options):
  return datasets.load("stl10", root=str(root), data_dir=str(store), **options)


@pytest.mark.parametrize("packed", [True, False])
def test_images_and_labels(write, root, store, packed):
  write(packed=packed)
  dataset = load(root, store)
  assert dataset.parts.tolist() == ["train"] * 64 + ["test"] * 16
  labels = [published_sets.classes(part) for part in ("train", "test")]
  images = [published_sets.pixels(part, 96) for part in labels]
  np.testing.assert_array_equal(
    np.stack(list(dataset.images)), np.concatenate(images)
  )
  np.testing.assert_array_equal(
    dataset.ground_truth.classes, np.concatenate(labels)
  )
  assert dataset.class_names[2] == "car"


def test_unlabelled_images_only_train(write, root, store):
  write()
  labelled = load(root, store)
  dataset = load(root, store, unlabelled=True)
  assert dataset.fingerprint != labelled.fingerprint
  assert dataset.parts.tolist()[80:] == ["unlabelled"] * 24
  assert dataset.names[80] == "unlabelled/0"
  assert (dataset.ground_truth.classes[80:] == -1).all()
  kinds = np.arange(24) % published_sets.NUM_CLASSES
  np.testing.assert_array_equal(
    np.stack([dataset.images[i] for i in range(80, 104)]),
    published_sets.pixels(kinds, 96),
  )
  splits = datasets.PROTOCOLS["official"](
    dataset.parts, dataset.ground_truth, num_queries=0, seed=0
  )
  np.testing.assert_array_equal(splits.database, np.arange(64))
  np.testing.assert_array_equal(splits.training, [*range(64), *range(80, 104)])


def test_a_part_of_the_training_images(write, root, store):
  write()
  dataset = load(root, store, unlabelled=True, num_training=16)
  parts, counts = np.unique(dataset.parts, return_counts=True)
  assert dict(zip(parts, counts)) == {"train": 16, "test": 16, "unlabelled": 24}


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"train_y.bin": b"\1" * 63}, "has 64 images in train_X.bin and 63 labels"),
    (
      {"test_y.bin": b"\1" * 15 + b"\0"},
      "test_y.bin in .* image 15 the label 0, but the classes are 1 to 10",
    ),
    ({"test_y.bin": b"\x0b" * 16}, "image 0 the label 11"),
    ({"test_X.bin": b"", "test_y.bin": b""}, "0 test images, but 16 are publ"),
  ],
)
def test_a_refused_archive(write, root, store, changes, message):
  write(**changes)
  with pytest.raises(ValueError, match=message):
    load(root, store)
  assert not [path for path in store.rglob("*") if path.is_file()]


def test_without_a_root_it_is_that_of_the_catalogue(store):
  with pytest.raises(
    ValueError,
    match=r"not prepared in .*stl10.*archive as root, or prepare it with Tensor",
  ):
    load("", store)


def test_other_sets_have_no_unlabelled_images(root, store):
  with pytest.raises(
    ValueError, match="unlabelled is True, but the dataset 'ci"
  ):
    datasets.load("cifar10", root=str(root), unlabelled=True)
