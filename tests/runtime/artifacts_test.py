"""Artifacts are whole or absent, and know what they were made from."""

import errno
import json
import os
import pathlib

import numpy as np
import pytest

from dsth_jax.runtime import artifacts, checksums, records
from dsth_jax.runtime.artifacts import Artifact, Record, Writer

RECORD = Record({"num_bits": 16}, {"graph": "abc"}, {"dsth_jax.codes": "1"})
OTHER = RECORD._replace(settings={"num_bits": 32})


def _write(directory, record=RECORD, **arrays):
  writer = Writer(directory, record)
  writer.write(**arrays)
  writer.finish()
  return Artifact(directory.name, directory, record.fingerprint)


def _damage(directory, max_bytes=10**9):
  found = checksums.find_damage(
    directory, records.read(directory).files, max_bytes=max_bytes
  )
  return found and (found.path.name, found.what)


def test_written_arrays_are_read_back_as_memory_maps(tmp_path):
  arrays = {"codes": np.arange(6).reshape(2, 3), "count": np.array(4)}
  found = _write(tmp_path / "labels", **arrays).arrays
  assert set(found) == set(arrays)
  for name, array in arrays.items():
    np.testing.assert_array_equal(found[name], array)
  assert isinstance(found["codes"], np.memmap)


def test_json_and_text_stand_beside_the_arrays(tmp_path):
  writer = Writer(tmp_path / "graph", RECORD)
  writer.write_json("report", {"edges": [1, None]})
  writer.write_text("names.txt", "ä\n")
  writer.finish()
  artifact = Artifact("graph", tmp_path / "graph", RECORD.fingerprint)
  assert artifact.json("report") == {"edges": [1, None]}
  assert (tmp_path / "graph" / "names.txt").read_text("utf-8") == "ä\n"


def test_the_record_is_read_back(tmp_path):
  _write(tmp_path / "labels")
  assert artifacts.read_record(tmp_path / "labels") == (
    RECORD.fingerprint,
    RECORD,
  )
  assert artifacts.read_record(tmp_path / "missing")[0] is None


@pytest.mark.parametrize("part", Record._fields)
def test_the_fingerprint_is_of_every_part_of_the_record(part):
  changed = RECORD._replace(**{part: {"another": "value"}})
  assert changed.fingerprint != RECORD.fingerprint
  assert RECORD.fingerprint == Record(*map(dict, RECORD)).fingerprint


def test_the_difference_of_records_is_said_in_a_few_words():
  old = Record({"seed": 0, "k": 12}, {"graph": "a"}, {"dsth_jax.codes": "1"})
  new = Record({"seed": 1, "k": 12}, {"graph": "b"}, {"dsth_jax.codes": "2"})
  assert new.difference(old) == (
    "seed was 0, graph changed, the code of dsth_jax.codes changed"
  )
  many = Record({name: 1 for name in "abcde"}, {}, {})
  assert (
    many.difference(Record({}, {}, {}))
    == "a is new, b is new, c is new and 2 more"
  )
  assert new.difference(new) == ""


def test_an_artifact_of_a_newer_format_is_refused_and_kept(tmp_path):
  directory = tmp_path / "labels"
  _write(directory)
  path = directory / "fingerprint.json"
  stored = json.loads(path.read_text())
  del stored["checksum"]
  path.write_text(json.dumps({**stored, "format": artifacts.FORMAT + 1}))
  before = path.read_bytes()
  with pytest.raises(ValueError, match=r"labels was written by a newer ver"):
    artifacts.read_record(directory)
  assert path.read_bytes() == before


def test_a_failed_write_leaves_the_old_artifact(tmp_path):
  directory = tmp_path / "labels"
  _write(directory, x=np.ones(1))
  writer = Writer(directory, OTHER)
  writer.write(x=np.zeros(1))
  writer.abandon()
  assert artifacts.read_record(directory)[1] == RECORD
  assert [path.name for path in tmp_path.iterdir()] == ["labels"]


def test_fingerprints_tell_settings_apart_but_not_their_order():
  assert artifacts.fingerprint({"a": 1, "b": 2}) == artifacts.fingerprint(
    {"b": 2, "a": 1}
  )
  different = [{"a": 1}, {"a": 1.5}, {"a": "1"}, {"b": 1}, {}]
  assert len({artifacts.fingerprint(value) for value in different}) == 5


def test_the_identity_is_of_the_content_too(tmp_path):
  found = {
    name: _write(tmp_path / name, x=np.full(4, value))
    for name, value in (("a", 1), ("b", 1), ("c", 2))
  }
  identities = {
    name: artifacts.identity(artifact.directory)
    for name, artifact in found.items()
  }
  assert identities["a"] == identities["b"] != identities["c"]
  assert artifacts.identity(tmp_path / "missing") is None


def test_every_kind_of_damage_is_found(tmp_path):
  directory = tmp_path / "labels"
  _write(directory, codes=np.arange(40), thresholds=np.ones(3))
  assert _damage(directory) is None
  path = directory / "codes.npy"
  whole = path.read_bytes()
  for position in (0, len(whole) // 2, len(whole) - 1):
    flipped = bytearray(whole)
    flipped[position] ^= 1
    path.write_bytes(flipped)
    assert _damage(directory) == (
      "codes.npy",
      "holds other bytes than were written",
    )
    # Sizes do not show this.
    assert _damage(directory, max_bytes=0) is None
  path.write_bytes(whole[:-1])
  size = len(whole)
  cut = ("codes.npy", f"has {size - 1} bytes in place of {size}")
  assert _damage(directory, max_bytes=0) == cut
  path.unlink()
  assert _damage(directory, max_bytes=0) == ("codes.npy", "is missing")


def test_of_a_large_file_other_blocks_are_checked_each_time(
  tmp_path, monkeypatch
):
  monkeypatch.setattr(checksums, "_BLOCK", 8)
  path = tmp_path / "rows.npy"
  path.write_bytes(bytes(80))
  expected = checksums.checksums(tmp_path, ["rows.npy"])
  path.write_bytes(bytes(79) + b"1")

  def is_found(max_bytes):
    found = checksums.find_damage(tmp_path, expected, max_bytes=max_bytes)
    return found is not None

  assert is_found(80)
  # The chance that five of ten blocks miss one, thirty times, is 1e-9.
  drawn = [is_found(40) for _ in range(30)]
  assert any(drawn)
  assert not all(drawn)


@pytest.mark.parametrize("position", [5, 50, -30, -3])
def test_a_damaged_record_is_no_record(tmp_path, position):
  directory = tmp_path / "labels"
  _write(directory)
  path = directory / "fingerprint.json"
  flipped = bytearray(path.read_bytes())
  flipped[position] ^= 1
  path.write_bytes(flipped)
  assert artifacts.read_record(directory) == (None, Record({}, {}, {}))
  artifacts.check_formats(tmp_path)


def test_files_that_an_artifact_did_not_write_are_not_its_arrays(tmp_path):
  artifact = _write(tmp_path / "labels", x=np.ones(1))
  np.save(artifact.directory / "another.npy", np.ones(1))
  assert set(artifact.arrays) == {"x"}


def test_what_a_killed_removal_left_is_removed(tmp_path):
  for name in ("labels.outdated", "features/pixels.outdated", "labels"):
    (tmp_path / name).mkdir(parents=True)
    (tmp_path / name / "x.npy").write_bytes(b"")
  artifacts.remove_outdated(tmp_path)
  left = [path.name for path in tmp_path.rglob("*") if path.is_dir()]
  assert sorted(left) == ["features", "labels"]


def test_files_are_on_disk_before_they_take_their_place(tmp_path, monkeypatch):
  done = []
  monkeypatch.setattr(
    os,
    "fsync",
    lambda number: done.append(os.readlink(f"/proc/self/fd/{number}")),
  )
  monkeypatch.setattr(
    pathlib.Path,
    "rename",
    lambda path, target: (done.append("renamed"), os.rename(path, target)),
  )
  _write(tmp_path / "labels", x=np.ones(1))
  before = done[: done.index("renamed")]
  partial = str(tmp_path / "labels.partial")
  assert {f"{partial}/x.npy", partial} <= set(before)
  assert done[-1] == str(tmp_path)


def _rows(writer):
  return writer.rows("rows", shape=(5, 2), dtype=np.float32)


def test_rows_go_on_where_a_killed_run_stopped(tmp_path):
  rows = np.arange(10, dtype=np.float32).reshape(5, 2)
  directory = tmp_path / "features"
  _rows(Writer(directory, RECORD)).append(rows[:2])
  assert artifacts.read_record(directory)[0] is None
  resumed = Writer(directory, RECORD)
  rest = _rows(resumed)
  assert rest.start == 2
  rest.append(rows[2:])
  resumed.finish()
  found = Artifact("features", directory, "").arrays
  np.testing.assert_array_equal(found["rows"], rows)
  assert not list(tmp_path.glob("*.partial"))


def test_abandoned_rows_are_kept_for_a_later_run(tmp_path):
  writer = Writer(tmp_path / "features", RECORD)
  _rows(writer).append(np.ones((2, 2), np.float32))
  writer.abandon()
  assert _rows(Writer(tmp_path / "features", RECORD)).start == 2


def _flip(path, position):
  content = bytearray(path.read_bytes())
  content[position] ^= 1
  path.write_bytes(content)


@pytest.mark.parametrize(
  ("name", "spoil", "start"),
  [
    ("rows.npy", lambda path: _flip(path, 128), 0),
    ("rows.npy", lambda path: _flip(path, 60), 0),
    ("rows.npy", lambda path: path.unlink(), 0),
    ("rows.npy", lambda path: path.write_bytes(path.read_bytes()[:-9]), 0),
    # A row that is not there yet.
    ("rows.npy", lambda path: _flip(path, -1), 2),
    ("rows.json", lambda path: path.write_text("{"), 0),
    ("rows.json", lambda path: path.write_text("[]"), 0),
    ("rows.json", lambda path: path.unlink(), 0),
  ],
)
def test_damaged_rows_are_made_from_their_start(tmp_path, name, spoil, start):
  _rows(Writer(tmp_path / "features", RECORD)).append(
    np.ones((2, 2), np.float32)
  )
  spoil(tmp_path / "features.partial" / name)
  assert _rows(Writer(tmp_path / "features", RECORD)).start == start


def test_rows_of_other_settings_are_not_gone_on_with(tmp_path):
  _rows(Writer(tmp_path / "features", RECORD)).append(
    np.ones((2, 2), np.float32)
  )
  assert _rows(Writer(tmp_path / "features", OTHER)).start == 0


def test_a_full_disk_is_noticed_before_any_row_is_written(
  tmp_path, monkeypatch
):
  directory = tmp_path / "features"
  _write(directory, rows=np.ones(1))

  def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

  monkeypatch.setattr(os, "posix_fallocate", full)
  writer = Writer(directory, OTHER)
  with pytest.raises(OSError, match="No space left"):
    _rows(writer)
  writer.abandon()
  assert [path.name for path in tmp_path.iterdir()] == ["features"]
  assert artifacts.read_record(directory)[1] == RECORD


def test_a_json_file_is_whole(tmp_path):
  artifacts.write_json(tmp_path / "metrics.json", {"a": [1, None]})
  assert artifacts.read_json(tmp_path / "metrics.json") == {"a": [1, None]}
  assert artifacts.read_json(tmp_path / "missing.json") == {}
