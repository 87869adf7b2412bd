"""FlickrLogos-32 from a tiny archive in its published form."""

import io

import numpy as np
import pytest
from PIL import Image
from support import published_sets

from dsth_jax import datasets
from dsth_jax.datasets import flickr_logos


@pytest.fixture
def write(root, monkeypatch):
  """Writes the tiny set, so that `load` expects it."""

  def go(**options):
    tiny = published_sets.write_flickr_logos(root, **options)
    monkeypatch.setattr(flickr_logos, "FLICKR_LOGOS_32", tiny)

  return go


def load(root, store, **options):
  return datasets.load(
    "flickr_logos32", root=str(root), data_dir=str(store), **options
  )


@pytest.mark.parametrize("packed", [True, False])
def test_test_logos_query_training_and_validation_images(
  write, root, store, packed
):
  write(packed=packed)
  dataset = load(root, store)
  splits = datasets.PROTOCOLS["official"](
    dataset.parts, dataset.ground_truth, num_queries=0, seed=0
  )
  lists = published_sets.logo_lists()
  database = lists["trainset.txt"] + lists["valset.txt"]
  assert [dataset.names[row] for row in splits.database] == [
    f"{folder}/{name}" for folder, name in database
  ]
  np.testing.assert_array_equal(splits.training, splits.database)
  assert [dataset.names[row] for row in splits.query] == [
    f"{folder}/{name}"
    for folder, name in lists["testset.txt"]
    if folder != "no-logo"
  ]
  for name, label in zip(dataset.names, dataset.ground_truth.classes):
    folder = name.split("/")[0]
    if folder == "no-logo":
      assert label == -1
    else:
      assert dataset.class_names[label] == folder
  assert np.count_nonzero(dataset.ground_truth.classes == -1) == 8


def test_images_without_a_logo_are_distractors(write, root, store):
  write()
  dataset = load(root, store)
  (rows,) = np.nonzero(dataset.ground_truth.classes == -1)
  truth = dataset.ground_truth.select(np.arange(64, 80), rows)
  everything = np.tile(np.arange(len(rows)), (16, 1))
  assert not truth.is_relevant(np.arange(16), everything).any()
  assert not truth.num_ignored.any()


def test_photographs_are_stored_as_they_are_or_shrunk(write, root, store):
  write(packed=False)
  dataset = load(root, store)
  path = root / "FlickrLogos-v2" / "classes" / "jpg" / dataset.names[0]
  np.testing.assert_array_equal(
    dataset.images[0], np.asarray(Image.open(io.BytesIO(path.read_bytes())))
  )
  small = load(root, store, stored_size=12)
  assert small.images[0].shape == (12, 16, 3)
  assert small.fingerprint != dataset.fingerprint


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    (
      {"classes/jpg/HP/0.jpg": None},
      "trainset.txt in .* lists 'HP,0.jpg', but there is no classes/jpg/HP/0",
    ),
    (
      {"testset.txt": b"milk,1.jpg"},
      "lists 'milk,1.jpg', but .* no such class",
    ),
    ({"testset.txt": b"HP,0.jpg\n"}, "has 1 test images, but 16 are published"),
    (
      {"valset.txt": None},
      r"holds no valset\.txt: download FlickrLogos-32_data",
    ),
  ],
)
def test_a_refused_archive(write, root, store, changes, message):
  write(**changes)
  with pytest.raises(ValueError, match=message):
    load(root, store)
  assert not [path for path in store.rglob("*") if path.is_file()]


def test_a_missing_archive(root, store):
  with pytest.raises(
    ValueError, match=r"does not hold .*\.zip or FlickrLogos-v2/: download Fl"
  ):
    load(root, store)
