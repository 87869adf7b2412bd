"""INRIA Holidays from tiny archives: groups, queries, distractors, refusals."""

import functools

import numpy as np
import pytest
from support import archive_files, landmark_archives
from support.folders import prepared_dirs
from support.landmark_archives import (
  FLICKR,
  HOLIDAYS,
  HOLIDAYS_1M,
  HOLIDAYS_FILES,
)

from dsth_jax.datasets import (
  PROTOCOLS,
  archives,
  holidays,
  image_files,
  image_lists,
)


def load(root, store, published=HOLIDAYS):
  return holidays.load(
    published, str(root), str(store), image_files.Limits(10_000, 100)
  )


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
  root = tmp_path_factory.mktemp("holidays")
  landmark_archives.write_holidays(root)
  return root


def test_the_first_of_a_group_searches_for_the_others(packed, store):
  dataset = load(packed, store)
  truth, names = dataset.ground_truth, dataset.names
  numbers = [int(name.removesuffix(".jpg")) for name in names]
  assert sorted(numbers) == [int(name[4:10]) for name in sorted(HOLIDAYS_FILES)]
  for row, number in enumerate(numbers):
    group = [
      other
      for other, its in enumerate(numbers)
      if its // 100 == number // 100 and other != row
    ]
    expected = group if number % 100 == 0 else []
    assert truth.relevant[[row]].nonzero()[1].tolist() == expected
  is_query = np.array(numbers) % 100 == 0
  np.testing.assert_array_equal(dataset.parts == "test", is_query)


def test_the_published_protocol_ranks_all_images_but_the_query(packed, store):
  dataset = load(packed, store)
  query, database, training = PROTOCOLS["queries-in-database"](
    dataset.parts, dataset.ground_truth, num_queries=0, seed=0
  )
  assert (len(query), len(database), len(training)) == (6, 18, 12)
  truth = dataset.ground_truth.select(query, database)
  np.testing.assert_array_equal(truth.num_ignored, np.ones(6))
  np.testing.assert_array_equal(truth.ignored.nonzero()[1], query)


def test_distractors_of_all_archives_are_searched(packed, store):
  small, large = load(packed, store), load(packed, store, HOLIDAYS_1M)
  added = [name for name in large.names if name not in small.names]
  assert added == [name for part in FLICKR for name in part]
  assert (large.parts[[large.names.index(n) for n in added]] == "train").all()
  assert large.ground_truth.relevant.nnz == small.ground_truth.relevant.nnz
  assert large.ground_truth.ignored.nnz == len(large.names)


def test_one_archive_is_listed_at_a_time(packed, store, monkeypatch):
  listed, most = set(), []
  real = archives.Archive._members.func

  def members(archive):
    listed.add(archive.path)
    most.append(len([path for path in listed if path.endswith(".zip")]))
    return real(archive)

  def release(archive):
    listed.discard(archive.path)
    freed(archive)

  freed = archives.Archive.release
  patched = functools.cached_property(members)
  patched.__set_name__(archives.Archive, "_members")
  monkeypatch.setattr(archives.Archive, "_members", patched)
  monkeypatch.setattr(archives.Archive, "release", release)
  assert len(load(packed, store, HOLIDAYS_1M).names) == 38
  assert max(most) == 1


def test_archives_unpacked_to_one_folder(packed, tmp_path, store):
  archive_files.pack(tmp_path, HOLIDAYS_FILES)
  for part in FLICKR:
    archive_files.pack(tmp_path, part)
  unpacked = load(tmp_path, store, HOLIDAYS_1M)
  assert sorted(unpacked.names) == sorted(
    load(packed, store, HOLIDAYS_1M).names
  )


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"jpg/100502.jpg": None}, "17 images with those before, but 18 are published"),
    ({"jpg/100001.jpg": None, "jpg/100209.jpg": HOLIDAYS_FILES["jpg/100001.jpg"]}, "query 100000.jpg has no relevant"),
    ({"jpg/100502.jpg": None, "jpg/notes.jpg": b"x"}, r"notes\.jpg is among"),
    ({"jpg/100500.jpg": None, "jpg/100509.jpg": HOLIDAYS_FILES["jpg/100001.jpg"]}, "5 test images, but 6"),
    ({"jpg/100502.jpg": b"broken"}, r"query 100500\.jpg name 100502\.jpg, .*could not be read"),
  ],
)  # fmt: skip
def test_what_is_not_as_published_is_refused(changes, message, tmp_path, store):
  merged = {
    name: content
    for name, content in (HOLIDAYS_FILES | changes).items()
    if content is not None
  }
  landmark_archives.write_holidays(tmp_path, images=merged)
  with pytest.raises(ValueError, match=message):
    load(tmp_path, store)
  if "could not be read" not in message:
    assert prepared_dirs(store) == []


@pytest.mark.parametrize("missing", ["jpg2.tar.gz", "images1.zip"])
def test_missing_files_are_named(missing, tmp_path, store):
  landmark_archives.write_holidays(tmp_path)
  (tmp_path / missing).unlink()
  with pytest.raises(ValueError, match=f"download {missing}.* from "):
    load(tmp_path, store, HOLIDAYS_1M)


def test_too_few_distractors(tmp_path, store):
  short = [FLICKR[0], {"images/1/10.jpg": b"x"}]
  landmark_archives.write_holidays(tmp_path, distractors=short)
  with pytest.raises(ValueError, match="11 images with those before, but 20"):
    load(tmp_path, store, HOLIDAYS_1M)


def test_lists_hold_every_other_image_of_a_group():
  names = ["100000.jpg", "100001.jpg", "100100.jpg", "100102.jpg", "100101.jpg"]
  assert holidays.group_lists(names) == [
    image_lists.ImageList("100000.jpg", ("100001.jpg",)),
    image_lists.ImageList("100100.jpg", ("100101.jpg", "100102.jpg")),
  ]
