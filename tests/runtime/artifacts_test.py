"""Artifacts are whole or absent, and know what they were made from."""

import errno
import json
import os

import numpy as np
import pytest

from dsth_jax.runtime import artifacts
from dsth_jax.runtime.artifacts import Artifact, Record, Writer

RECORD = Record({"num_bits": 16}, {"graph": "abc"}, {"dsth_jax.codes": "1"})
OTHER = RECORD._replace(settings={"num_bits": 32})


def _write(directory, record=RECORD, **arrays):
  writer = Writer(directory, record)
  writer.write(**arrays)
  writer.finish()
  return Artifact(directory.name, directory, record.fingerprint)


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
  path.write_text(json.dumps({**stored, "format": artifacts.FORMAT + 1}))
  before = path.read_bytes()
  with pytest.raises(ValueError, match=r"labels was written by a newer ver"):
    artifacts.read_record(directory)
  assert path.read_bytes() == before


@pytest.mark.parametrize("file", ["x.npy", "figures.json"])
def test_a_damaged_file_is_named_with_what_to_delete(tmp_path, file):
  directory = tmp_path / "cell"
  writer = Writer(directory, RECORD)
  writer.write(x=np.ones(100))
  writer.write_json("figures", {"map": 0.5})
  writer.finish()
  artifact = Artifact("cell", directory, RECORD.fingerprint)
  assert artifact.json("figures") == {"map": 0.5}
  path = directory / file
  for length in (len(path.read_bytes()) // 2, 0):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(
      ValueError, match=rf"{file} is damaged \(.*: delete {directory}, and"
    ):
      _ = artifact.arrays, artifact.json("figures")


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
