"""What stands in the output folder, and the account of each shard."""

import io
import json
import tarfile

import numpy as np
import pytest
from support import shard_files

import dsth_jax
from dsth_jax import encode
from dsth_jax.datasets import file_kinds, shards
from dsth_jax.pipeline import encoded_shards, shard_encoding
from dsth_jax.runtime import artifacts

PRINTS = ["one", "two"]
# Without a suffix, which a tar's names lose.
ODD = (
  "two\nlines",
  "narrow\u202fspace",
  "next\x85",
  "para\u2029",
  "\\x0a",
  "#",
)


class FirstPixels(encode.HashFunction):
  """Codes without a network: the first byte of each image."""

  def encode(self, images):
    return np.ascontiguousarray(np.asarray(images)[:, 0, 0, :1])


HASH_FUNCTION = FirstPixels(
  network="simplenet",
  settings={},
  num_bits=8,
  image_size=8,
  batch_size=16,
  variables={},
  thresholds=np.zeros(8, np.float32),
  fingerprint="x",
)


def encoded(path, **limits):
  (shard,) = shards.find(str(path), images_per_shard=1000)
  limits = shard_encoding.Limits(**limits)
  return shard_encoding.encode_shard(shard, HASH_FUNCTION, limits)


def finish(directory, number, fingerprint, **known):
  """Writes the files of a finished shard."""
  for suffix in ("npy", "txt", "skipped.txt"):
    (directory / f"{number:05d}.{suffix}").touch()
  entry = {"fingerprint": fingerprint, **known}
  entry |= {"files": {}, "checksum": artifacts.fingerprint(dict(entry), {})}
  artifacts.write_json(directory / f"{number:05d}.json", entry)


def names(directory):
  return {path.name for path in directory.iterdir()}


def test_shards_of_an_earlier_command_are_removed(tmp_path):
  finish(tmp_path, 0, "one")
  finish(tmp_path, 1, "other")
  finish(tmp_path, 2, "two")
  (tmp_path / "notes.txt").touch()
  artifacts.write_json(tmp_path / "index.json", {"fingerprint": "old"})
  assert encoded_shards.remove_outdated(tmp_path, PRINTS) == [1, 2]
  assert names(tmp_path) == {
    *("00000.json", "00000.npy", "00000.txt", "00000.skipped.txt"),
    "notes.txt",
  }


def test_files_that_another_worker_is_writing_stay(tmp_path):
  (tmp_path / "00001.npy").touch()
  assert encoded_shards.remove_outdated(tmp_path, PRINTS) == []
  assert names(tmp_path) == {"00001.npy"}


def test_every_member_is_in_the_account(tmp_path):
  files = {**shard_files.FILES, "0003": b"no image", "0004": b""}
  found = encoded(shard_files.write_tar(tmp_path, files))
  assert len(found.names) == len(found.packed) == 38
  assert found.account == (
    80,
    38,
    {"is not an image": 1, "is empty": 1},
    {".cls": 40},
  )


def test_a_shard_without_images_has_an_account(tmp_path):
  with tarfile.open(tmp_path / "x.tar", "w") as tar:
    tar.addfile(tarfile.TarInfo("notes.txt"), io.BytesIO())
  found = encoded(tmp_path / "x.tar")
  assert found.packed.shape == (0, 1)
  assert found.account == (1, 0, {}, {".txt": 1})


@pytest.mark.parametrize("limit", ["max_pixels", "max_bytes"])
def test_limits_of_the_command(limit, tmp_path):
  path = shard_files.write_folder(tmp_path)
  assert len(encoded(path).names) == 40
  found = encoded(path, **{limit: 10})
  assert len(found.names) == 0
  assert len(found.skipped) == 40
  (shard,) = shards.find(str(path), images_per_shard=1000)
  one, other = (
    shard_encoding.fingerprint(shard, HASH_FUNCTION, "npy", limits)
    for limits in (
      shard_encoding.Limits(),
      shard_encoding.Limits(**{limit: 10}),
    )
  )
  assert one != other


def test_the_index_has_the_account_of_all_shards(tmp_path):
  output = tmp_path / "out"
  output.mkdir()
  for number, fingerprint in enumerate(PRINTS):
    source = tmp_path / fingerprint
    source.mkdir()
    files = {**shard_files.FILES, "0003": b"no image"}
    found = encoded(shard_files.write_tar(source, files))
    encoded_shards.write(
      output,
      number,
      found,
      file_format="npy",
      fingerprint=fingerprint,
      shard=fingerprint,
    )
  assert encoded_shards.write_index(output, PRINTS, num_bits=8, worker=0)
  index = json.loads((output / "index.json").read_text())
  assert index["found"] == {
    "found": 160,
    "num_read": 78,
    "skipped": {"is not an image": 2},
    "not_images": {".cls": 80},
  }
  assert [shard["found"]["found"] for shard in index["shards"]] == [80, 80]


def test_shards_without_a_decoder_are_finished_until_it_is_installed(
  tmp_path, monkeypatch
):
  found = {"skipped": {file_kinds.NEEDS_HEIF: 2}}
  finish(tmp_path, 0, "one", found=found)
  for installed in (False, True):
    monkeypatch.setattr(file_kinds, "reads_heif", lambda: installed)  # noqa: B023
    finished = encoded_shards.is_finished(tmp_path, 0, "one")
    assert finished is not installed


@pytest.mark.parametrize(
  ("file_format", "suffix"), [("npy", "txt"), ("parquet", "parquet")]
)
def test_names_come_back_from_every_kind_of_shard_and_file(
  tmp_path, file_format, suffix
):
  files = {
    f"{name}{i}": data
    for i, (name, data) in enumerate(zip(ODD, shard_files.FILES.values()))
  }
  kinds = (shard_files.write_tar, shard_files.write_parquet)
  for number, write in enumerate(kinds):
    found = encoded(write(tmp_path, files))
    encoded_shards.write(
      tmp_path,
      number,
      found,
      file_format=file_format,
      fingerprint="x",
      shard="x",
    )
    back = dsth_jax.read_names(tmp_path / f"{number:05d}.{suffix}")
    assert back == list(files)
