"""Oxford Buildings from tiny archives: rows, parts, boxes, lists, refusals."""

import io

import numpy as np
import pytest
from PIL import Image
from support import archive_files, landmark_archives
from support.folders import prepared_dirs
from support.landmark_archives import (
  LISTS,
  OXFORD_5K,
  OXFORD_105K,
  OXFORD_FILES,
)

from dsth_jax.datasets import image_files, oxford


def load(root, store, published=OXFORD_5K):
  return oxford.load(
    published, str(root), str(store), image_files.Limits(10_000, 100)
  )


def of_part(dataset, part):
  return [
    name for name, its in zip(dataset.names, dataset.parts) if its == part
  ]


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
  root = tmp_path_factory.mktemp("oxford")
  landmark_archives.write_oxford(root)
  return root


def test_queries_are_rows_and_their_whole_images_do_not_train(archives, store):
  dataset = load(archives, store)
  assert of_part(dataset, "test") == [
    f"query/{name}_{k}" for name in ("keble", "new") for k in (1, 2)
  ]
  whole = [f"{name}_{k:06}.jpg" for name in ("keble", "new") for k in (1, 2)]
  assert of_part(dataset, "database") == whole
  assert of_part(dataset, "train") == [
    n for n in OXFORD_FILES if n not in whole
  ]
  assert not dataset.skipped


def test_good_and_ok_are_relevant_and_junk_is_ignored(archives, store):
  dataset = load(archives, store)
  truth, names = dataset.ground_truth, dataset.names
  row = names.index("query/new_2")
  expected = {f"new_{i:06}.jpg" for i in range(8)}
  assert {names[i] for i in truth.relevant[[row]].nonzero()[1]} == expected
  ignored = {names[i] for i in truth.ignored[[row]].nonzero()[1]}
  assert ignored == {"query/new_2", "new_000008.jpg", "new_000009.jpg"}
  assert truth.relevant.nnz == 4 * 8


def test_a_query_is_the_part_of_its_image_inside_the_box(archives, store):
  dataset = load(archives, store)
  found = dataset.images[dataset.names.index("query/keble_1")]
  # 3.5 2.5 20.2 18.9, halves to even.
  file = io.BytesIO(OXFORD_FILES["keble_000001.jpg"])
  expected = np.asarray(Image.open(file))[2:19, 4:20]
  np.testing.assert_array_equal(found, expected)


def test_distractors_are_searched_and_listed_by_no_query(archives, store):
  small, large = load(archives, store), load(archives, store, OXFORD_105K)
  added = [n for n in large.names if n not in small.names]
  assert added == list(landmark_archives.DISTRACTORS)
  assert set(added) <= set(of_part(large, "train"))
  rows = [large.names.index(name) for name in added]
  for lists in (large.ground_truth.relevant, large.ground_truth.ignored):
    queries, others = lists.nonzero()
    assert not np.isin(others[others != queries], rows).any()
  assert large.ground_truth.relevant.nnz == small.ground_truth.relevant.nnz
  assert large.fingerprint != small.fingerprint


def test_unpacked_folders_are_read_too(archives, tmp_path, store):
  archive_files.pack(tmp_path / "oxbuild_images", OXFORD_FILES)
  archive_files.pack(tmp_path / "gt_files_170407", LISTS)
  unpacked, packed = load(tmp_path, store), load(archives, store)
  assert unpacked.names == packed.names
  for one, other in zip(unpacked.images, packed.images):
    np.testing.assert_array_equal(one, other)


NO_RELEVANT = {"new_1_good.txt": "", "new_1_ok.txt": ""}


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"lists": NO_RELEVANT}, "query/new_1 has no relevant image"),
    ({"lists": {"new_1_ok.txt": "radcliffe_000001"}}, r"name radcliffe_000001\.jpg"),
    ({"lists": {"new_1_junk.txt": None}}, r"has new_1_query\.txt, but no new_1_j"),
    ({"lists": {"new_1_query.txt": "oxc1_new_000001 1 2"}}, "'oxc1_new_000001 1 2'"),
    ({"lists": {"new_1_query.txt": "oxc1_old_000001 1 2 3 4"}}, "part of old_000001"),
    ({"lists": {"new_1_query.txt": "oxc1_new_000001 40 2 60 9"}}, "box 40.0 2.0 60"),
    ({"lists": {"new_1_query.txt": None}}, "has 3 queries, but 4 are published"),
    ({"images": {"oxford_000009.jpg": None, "new_000009.jpg": None}}, "28 images, but 30 or 31"),
    ({"distractors": {"oxc1_100k/paris/01.jpg": None}}, "11 images, but 12"),
    ({"images": {"new_000003.jpg": b"broken"}}, "new_000003.jpg, .* could not be read"),
  ],
)  # fmt: skip
def test_what_is_not_as_published_is_refused(changes, message, tmp_path, store):
  files = {
    "images": OXFORD_FILES,
    "lists": LISTS,
    "distractors": landmark_archives.DISTRACTORS,
  }
  for kind, changed in changes.items():
    merged = files[kind] | {
      name: text.encode() if isinstance(text, str) else text
      for name, text in changed.items()
    }
    files[kind] = {n: text for n, text in merged.items() if text is not None}
  landmark_archives.write_oxford(tmp_path, **files)
  with pytest.raises(ValueError, match=message):
    load(tmp_path, store, OXFORD_105K)
  if "could not be read" not in message:
    assert prepared_dirs(store) == []


def test_half_an_archive_leaves_nothing(archives, tmp_path, store):
  landmark_archives.write_oxford(tmp_path)
  path = tmp_path / "oxbuild_images-v1.tgz"
  path.write_bytes(path.read_bytes()[:-4_000])
  with pytest.raises(ValueError, match=r"v1\.tgz is damaged or not complete"):
    load(tmp_path, store)
  assert prepared_dirs(store) == []


@pytest.mark.parametrize(
  ("missing", "message"),
  [
    ("oxbuild_images-v1.tgz", "download oxbuild_images-v1.tgz"),
    ("gt_files_170407.tgz", "download gt_files_170407.tgz from https://www.robots"),
    ("oxc1_100k.tar", "unrar x oxc1_100k.part01.rar"),
  ],
)  # fmt: skip
def test_missing_files_are_named_with_their_source(
  missing, message, tmp_path, store
):
  landmark_archives.write_oxford(tmp_path)
  (tmp_path / missing).unlink()
  with pytest.raises(ValueError, match=message):
    load(tmp_path, store, OXFORD_105K)
