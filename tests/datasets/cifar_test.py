"""CIFAR-10 and CIFAR-100 from tiny archives in their published forms."""

import pickle

import numpy as np
import pytest
from support import published_sets

from dsth_jax import datasets
from dsth_jax.datasets import cifar, plain_pickle

SETS = {"CIFAR10": "cifar10", "CIFAR100": "cifar100_fine"}


@pytest.fixture(params=SETS)
def published(request, root, monkeypatch):
  """The set's name and a function that writes it, so that `load` expects it."""
  as_published = getattr(cifar, request.param)

  def write(**options):
    tiny = published_sets.write_cifar(root, as_published, **options)
    monkeypatch.setattr(cifar, request.param, tiny)
    return tiny

  return SETS[request.param], write


def load(name, root, store):
  return datasets.load(name, root=str(root), data_dir=str(store))


@pytest.mark.parametrize("kind", ["binary", "python"])
@pytest.mark.parametrize("packed", [True, False])
def test_every_form_gives_the_images_and_labels(
  published, root, store, kind, packed
):
  name, write = published
  tiny = write(kind=kind, packed=packed)
  dataset = load(name, root, store)
  assert dataset.parts.tolist() == ["train"] * 64 + ["test"] * 16
  assert dataset.names[63:65] == ("train/63", "test/0")
  tables = list(published_sets.cifar_tables(tiny))
  images = np.concatenate([images for _, _, images in tables])
  np.testing.assert_array_equal(np.stack(list(dataset.images)), images)
  labels = np.concatenate([labels[:, -1] for _, labels, _ in tables])
  np.testing.assert_array_equal(dataset.ground_truth.classes, labels)
  assert dataset.class_names == tiny.labels.class_names


def test_coarse_and_fine_labels_of_one_prepared_set(root, store, monkeypatch):
  tiny = published_sets.write_cifar(root, cifar.CIFAR100)
  monkeypatch.setattr(cifar, "CIFAR100", tiny)
  fine = load("cifar100_fine", root, store)
  coarse = load("cifar100_coarse", root, store)
  assert len(list(store.rglob("contents.json"))) == 1
  assert coarse.fingerprint == fine.fingerprint
  assert len(coarse.class_names) == 20
  labels = [labels for _, labels, _ in published_sets.cifar_tables(tiny)]
  np.testing.assert_array_equal(
    np.stack([coarse.ground_truth.classes, fine.ground_truth.classes], axis=1),
    np.concatenate(labels),
  )


def test_coarse_classes_are_the_published_ones():
  # The first byte of the images of each fine class in the archive.
  published = (
    *(4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11),
    *(6, 11, 5, 10, 7, 6, 13, 15, 3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5),
    *(5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4, 2, 0, 17, 4, 18, 17),
    *(10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13),
    *(16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13),
  )
  assert published == cifar.COARSE_OF_FINE


def _broken(root, tiny, file, change):
  """Writes an unpacked set of which one file is changed."""
  (form, *_) = tiny.forms
  path = root / form.archive.folder / file
  path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda x: x[:-1], r"test\.bin in .* has 49183 bytes, but records of 3074"),
    (lambda x: x[:-3074], "has 15 test images, but 16 are published: download"),
    (lambda x: b"\0\xc8" + x[2:], "image 0 the label 200, but the classes are"),
    (lambda x: b"\x07\1" + x[2:], "labels 7 and 1, but class 1 is one of the "),
  ],
)
def test_a_refused_file(root, store, monkeypatch, change, message):
  tiny = published_sets.write_cifar(root, cifar.CIFAR100, packed=False)
  monkeypatch.setattr(cifar, "CIFAR100", tiny)
  _broken(root, tiny, "test.bin", change)
  with pytest.raises(ValueError, match=message):
    load("cifar100_fine", root, store)
  assert not [path for path in store.rglob("*") if path.is_file()]


class Harmful:
  def __reduce__(self):
    return print, ("harm",)


@pytest.mark.parametrize(
  ("content", "message"),
  [
    (pickle.dumps(Harmful()), "asks for builtins.print"),
    (pickle.dumps({b"data": 1}), r"is no pickled table of images \(b'labels'"),
    (
      pickle.dumps({b"labels": [1], b"data": np.zeros((2, 3072))}),
      "differ in number",
    ),
    (b"<html>", "is no pickled table of images"),
    (b"", "is no pickled table of images"),
  ],
)
def test_a_refused_pickle(root, store, monkeypatch, capfd, content, message):
  tiny = published_sets.write_cifar(
    root, cifar.CIFAR10, kind="python", packed=False
  )
  monkeypatch.setattr(cifar, "CIFAR10", tiny)
  (root / "cifar-10-batches-py" / "data_batch_2").write_bytes(content)
  with pytest.raises(ValueError, match=message):
    load("cifar10", root, store)
  assert "harm" not in capfd.readouterr().out
  assert not [path for path in store.rglob("*") if path.is_file()]


def test_a_file_with_the_wrong_sum(root, store):
  published_sets.write_cifar(root, cifar.CIFAR10)
  needed = cifar.CIFAR10.forms[0].archive.md5
  with pytest.raises(ValueError, match=f"but {needed} is published: download"):
    load("cifar10", root, store)


def test_a_missing_archive(root, store):
  with pytest.raises(
    ValueError,
    match=r"cifar-100-binary.tar.gz \(169 MB\) from https://www.cs.toronto.edu",
  ):
    load("cifar100_coarse", root, store)
  with pytest.raises(
    ValueError, match="root is empty: pass the folder that ho"
  ):
    load("cifar100_fine", "", store)


def test_arrays_of_this_numpy_are_plain(root):
  values = {b"x": np.arange(6, dtype=np.uint8).reshape(2, 3), "y": [1.5, None]}
  for content in (pickle.dumps(values), published_sets.python2_pickle(values)):
    found = plain_pickle.loads(content)
    np.testing.assert_array_equal(found[b"x"], values[b"x"])
