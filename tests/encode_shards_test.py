"""Shards encoded by a finished run, by any number of workers."""

import functools
import json
import shutil

import numpy as np
import pytest
from pyarrow import parquet
from support import commands, shard_files

from dsth_jax import encode_shards
from dsth_jax.pipeline import shard_encoding
from dsth_jax.runtime import records


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  """A finished run over the images of the shards, of a few steps."""
  directory = tmp_path_factory.mktemp("run")
  # Enough images for five times the bits, and the same as in the shards.
  files = {f"{n:04d}": shard_files.jpeg(n) for n in range(100)}
  root = shard_files.write_folder(directory, files)
  result = commands.run(
    "dsth_jax.main",
    "--config=configs/image_folder.py:simplenet",
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


@pytest.fixture(scope="module", autouse=True)
def compiled_once():
  """Compiles the network once for the tests that encode with the same run."""
  with pytest.MonkeyPatch.context() as patch:
    load = functools.cache(encode_shards.load_hash_function)
    patch.setattr(encode_shards, "load_hash_function", load)
    yield


def read_codes(output, number=0):
  return np.load(output / f"{number:05d}.npy")


def test_codes_are_those_of_the_run(run, tmp_path):
  paths = [str(write(tmp_path)) for write in shard_files.WRITERS.values()]
  # Only the hash function of the run is needed.
  encode_shards.encode_shards(
    run / "hash_function", ",".join(paths), tmp_path / "out"
  )
  every = (run / "codes" / "names.txt").read_text().split()
  rows = [every.index(f"{name}.jpg") for name in shard_files.FILES]
  expected = np.load(run / "codes" / "packed.npy")[rows]
  for number in range(len(paths)):
    np.testing.assert_array_equal(
      read_codes(tmp_path / "out", number), expected, err_msg=paths[number]
    )
    names = (tmp_path / "out" / f"{number:05d}.txt").read_text().split()
    assert len(names) == len(rows)
    assert not (tmp_path / "out" / f"{number:05d}.skipped.txt").exists()


@pytest.mark.slow
def test_workers_divide_the_shards_and_finish_what_is_left(run, tmp_path):
  path = shard_files.write_folder(tmp_path)
  settings = {"images_per_shard": 9}

  def encode(output, **worker):
    return encode_shards.encode_shards(
      run, str(path), tmp_path / output, **settings, **worker
    )

  assert encode("one") == 5
  done = [encode("three", num_workers=3, worker=i) for i in (0, 2)]
  assert done == [2, 1]
  # The second worker was lost: the next one encodes its shards, and no others.
  kept = (tmp_path / "three" / "00000.npy").stat().st_mtime_ns
  assert encode("three") == 2
  assert encode("three") == 0
  assert (tmp_path / "three" / "00000.npy").stat().st_mtime_ns == kept
  for number in range(5):
    np.testing.assert_array_equal(
      read_codes(tmp_path / "three", number),
      read_codes(tmp_path / "one", number),
    )


def read_index(output):
  path = output / "index.json"
  return json.loads(path.read_text()) if path.exists() else None


def test_the_last_worker_writes_the_index(run, tmp_path):
  files = {**shard_files.FILES, "0003": b"no image"}
  path, output = shard_files.write_folder(tmp_path, files), tmp_path / "out"

  def encode(**settings):
    encode_shards.encode_shards(run, str(path), output, **settings)
    return read_index(output)

  halves = {"images_per_shard": 20, "num_workers": 2}
  assert encode(worker=1, **halves) is None
  index = encode(worker=0, **halves)
  assert index["num_bits"] == 16
  assert (index["num_images"], index["num_skipped"]) == (39, 1)
  assert [shard["number"] for shard in index["shards"]] == [0, 1]
  assert [shard["num_images"] for shard in index["shards"]] == [19, 20]
  # There is no index of other shards until they are finished.
  assert encode(images_per_shard=25, num_workers=2, worker=0) is None
  assert encode(images_per_shard=25)["num_images"] == 39


def test_a_killed_worker_keeps_its_finished_shards(run, tmp_path, monkeypatch):
  path, output = shard_files.write_folder(tmp_path), tmp_path / "out"
  encode_shard, started = shard_encoding.encode_shard, []

  def killed_at_the_third(shard, *arguments):
    started.append(shard.name)
    if len(started) == 3:
      raise KeyboardInterrupt
    return encode_shard(shard, *arguments)

  monkeypatch.setattr(shard_encoding, "encode_shard", killed_at_the_third)
  with pytest.raises(KeyboardInterrupt):
    encode_shards.encode_shards(run, str(path), output, images_per_shard=10)
  assert sorted(path.name for path in output.glob("*.json")) == [
    *("00000.json", "00001.json")
  ]
  # Like a killed worker that had not written the last file of a shard.
  (output / "00001.json").unlink()
  np.save(output / "00001.npy", np.zeros((1, 2), np.uint8))
  encode_shards.encode_shards(run, str(path), output, images_per_shard=10)
  assert [name.split()[-1] for name in started[3:]] == [
    *("[10:20]", "[20:30]", "[30:40]")
  ]
  assert [len(read_codes(output, number)) for number in range(4)] == [10] * 4
  assert read_index(output)["num_images"] == 40


def _flip(path):
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)


def _spoilings(path):
  """Yields what can happen to a file."""
  yield lambda: path.write_bytes(path.read_bytes()[:-2])
  yield path.unlink
  yield lambda: _flip(path)


def test_a_damaged_output_is_encoded_again(run, tmp_path):
  files = {**shard_files.FILES, "0003": b"no image"}
  path, output = shard_files.write_tar(tmp_path, files), tmp_path / "out"
  assert encode_shards.encode_shards(run, str(path), output) == 1
  whole = {file.name: file.read_bytes() for file in output.glob("[!.]*")}
  assert len(whole) == 5
  for name in whole:
    for number, spoil in enumerate(_spoilings(output / name)):
      spoil()
      done = encode_shards.encode_shards(run, str(path), output)
      # The index follows from the others.
      assert done == (0 if name == "index.json" else 1), (name, number)
      found = {file.name: file.read_bytes() for file in output.glob("[!.]*")}
      assert found == whole, (name, number)


@pytest.mark.parametrize(
  "name", ["thresholds.npy", "hash_function.json", "fingerprint.json"]
)
def test_a_damaged_hash_function_is_refused(run, tmp_path, name):
  path = shard_files.write_tar(tmp_path)
  spoiled = tmp_path / "run"
  shutil.copytree(run, spoiled)
  _flip(spoiled / "hash_function" / name)
  for given, advice in ((spoiled, "run"), (spoiled / "hash_function", "copy")):
    with pytest.raises(ValueError, match=advice) as refused:
      # Not the one that is kept for all tests.
      encode_shards.load_hash_function.__wrapped__(given)
    assert "hash_function" in str(refused.value)
  assert path.exists()


def test_parquet_holds_the_same_codes_and_names(run, tmp_path):
  path, output = shard_files.write_tar(tmp_path), tmp_path / "out"
  encode_shards.encode_shards(run, str(path), output)
  expected = read_codes(output)
  encode_shards.encode_shards(run, str(path), output, file_format="parquet")
  table = parquet.read_table(output / "00000.parquet").to_pydict()
  assert table["name"] == list(shard_files.FILES)
  assert table["code"] == [row.tobytes() for row in expected]
  # The files of the other format were removed.
  left = sorted(path.name for path in output.glob("[!.]*"))
  assert left == ["00000.json", "00000.parquet", "index.json"]


def test_skipped_images_are_listed(run, tmp_path):
  files = {**shard_files.FILES, "0003": b"no image"}
  path = shard_files.write_tar(tmp_path, files)
  encode_shards.encode_shards(run, str(path), tmp_path / "out")
  assert len(read_codes(tmp_path / "out")) == len(files) - 1
  listed = (tmp_path / "out" / "00000.skipped.txt").read_text()
  head, line = listed.splitlines()
  assert head.startswith("# 80 files found: 39 images read, 1 skipped")
  assert line.startswith("0003\tis not an image: its content is not ")


def test_a_damaged_shard_leaves_the_others(run, tmp_path):
  good = shard_files.write_tar(tmp_path)
  bad = tmp_path / "bad.tar"
  bad.write_bytes(good.read_bytes()[:5000])
  result = commands.run(
    "dsth_jax.encode_shards",
    f"--run={run}",
    f"--shards={bad}",
    f"--shards={good}",
    f"--output={tmp_path}/out",
  )
  assert result.returncode == 1
  last = result.stderr.strip().splitlines()[-1]
  assert last.startswith("dsth_jax: worker 0 of 1 could not read 1 of its")
  assert f"the shard {bad} is truncated or damaged" in last
  output = tmp_path / "out"
  assert len(read_codes(output, 1)) == len(shard_files.FILES)
  assert not (output / "00000.json").exists()
  assert read_index(output) is None


def test_an_unfinished_run_is_refused(tmp_path):
  path = shard_files.write_tar(tmp_path)
  with pytest.raises(ValueError, match=r"no config\.json"):
    encode_shards.encode_shards(tmp_path, str(path), tmp_path / "out")
  assert not (tmp_path / "out").exists()


def _remove(folder):
  return lambda run: shutil.rmtree(run / folder)


def _change_settings(run):
  config = json.loads((run / "config.json").read_text())
  config["train"]["num_epochs"] = 2
  (run / "config.json").write_text(json.dumps(config))


def _change_labels(run):
  stored = records.read(run / "labels")
  records.write(run / "labels", stored._replace(fingerprint="another"))


@pytest.mark.parametrize(
  ("spoil", "message"),
  [
    (_remove("hash_function"), "is not finished"),
    (_change_settings, "is not finished with the settings"),
    (_change_labels, "is not finished with the settings"),
  ],
  ids=["hash function", "settings", "labels"],
)
def test_a_run_that_lacks_something_is_refused(run, spoil, message, tmp_path):
  path = shard_files.write_tar(tmp_path)
  spoiled = tmp_path / "run"
  shutil.copytree(run, spoiled)
  spoil(spoiled)
  with pytest.raises(ValueError, match=message):
    encode_shards.encode_shards(spoiled, str(path), tmp_path / "out")
  assert not (tmp_path / "out").exists()
