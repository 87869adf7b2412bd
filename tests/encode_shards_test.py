"""Shards encoded by a finished run, by any number of workers."""

import commands
import numpy as np
import pytest
from datasets import shards_test

from dsth_jax import encode_shards


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  """A finished run over the images of the shards, of a few steps."""
  directory = tmp_path_factory.mktemp("run")
  # Enough images for five times the bits, and the same as in the shards.
  files = {f"{n:04d}": shards_test.jpeg(n) for n in range(100)}
  root = shards_test.write_folder(directory, files)
  result = commands.run(
    "dsth_jax.main",
    "--config=configs/image_folder.py",
    f"--config.data.root={root}",
    f"--config.data.data_dir={directory}/data",
    "--config.data.num_queries=8",
    "--config.features.backbone=pixels",
    "--config.features.image_size=8",
    "--config.num_bits=16",
    "--config.graph.num_neighbors=5",
    "--config.train.num_epochs=1",
    "--config.train.batch_size=32",
    f"--workdir={directory}/run",
  )
  assert result.returncode == 0, result.stderr
  return directory / "run"


def codes_of(output, number=0):
  return np.load(output / f"{number:05d}.npy")


@pytest.mark.parametrize("kind", shards_test.WRITERS)
def test_codes_are_those_of_the_run(kind, run, tmp_path):
  path = shards_test.WRITERS[kind](tmp_path)
  encode_shards.encode_shards(run, str(path), tmp_path / "out")
  names = (run / "codes" / "names.txt").read_text().split()
  rows = [names.index(f"{name}.jpg") for name in shards_test.FILES]
  expected = np.load(run / "codes" / "packed.npy")[rows]
  np.testing.assert_array_equal(codes_of(tmp_path / "out"), expected)
  said = (tmp_path / "out" / "00000.txt").read_text().split()
  assert len(said) == len(rows)
  assert not (tmp_path / "out" / "00000.skipped.txt").exists()


def test_workers_divide_the_shards_and_finish_what_is_left(run, tmp_path):
  path = shards_test.write_folder(tmp_path)
  settings = {"images_per_shard": 9}

  def encode(output, **worker):
    return encode_shards.encode_shards(
      run, str(path), tmp_path / output, **settings, **worker
    )

  assert encode("one") == 5
  done = [encode("three", num_workers=3, worker=i) for i in (0, 2)]
  assert done == [2, 1]
  # The second worker was lost: whoever comes does what it left, and no more.
  kept = (tmp_path / "three" / "00000.npy").stat().st_mtime_ns
  assert encode("three") == 2
  assert encode("three") == 0
  assert (tmp_path / "three" / "00000.npy").stat().st_mtime_ns == kept
  for number in range(5):
    np.testing.assert_array_equal(
      codes_of(tmp_path / "three", number), codes_of(tmp_path / "one", number)
    )


def test_skipped_images_are_listed(run, tmp_path):
  files = {**shards_test.FILES, "0003": b"no image"}
  path = shards_test.write_tar(tmp_path, files)
  encode_shards.encode_shards(run, str(path), tmp_path / "out")
  assert len(codes_of(tmp_path / "out")) == len(files) - 1
  listed = (tmp_path / "out" / "00000.skipped.txt").read_text()
  assert listed == "0003\tis not a JPEG, PNG, WebP, GIF or BMP image\n"


def test_a_damaged_shard_leaves_the_others(run, tmp_path):
  good = shards_test.write_tar(tmp_path)
  bad = tmp_path / "bad.tar"
  bad.write_bytes(good.read_bytes()[:5000])
  result = commands.run(
    "dsth_jax.encode_shards",
    f"--run={run}",
    f"--shards={good},{bad}",
    f"--output={tmp_path}/out",
  )
  assert result.returncode == 1
  last = result.stderr.strip().splitlines()[-1]
  assert f"the shard {bad} is truncated or damaged" in last
  assert (tmp_path / "out" / "00000.json").exists()
  assert not (tmp_path / "out" / "00001.json").exists()


def test_an_unfinished_run_is_refused(tmp_path):
  path = shards_test.write_tar(tmp_path)
  with pytest.raises(ValueError, match=r"no config\.json"):
    encode_shards.encode_shards(tmp_path, str(path), tmp_path / "out")
  assert not (tmp_path / "out").exists()


def test_there_is_no_such_worker(tmp_path):
  with pytest.raises(ValueError, match="worker is 3 of 3"):
    encode_shards.encode_shards(tmp_path, "", tmp_path, num_workers=3, worker=3)
