"""Prepared sets that are not what was written are prepared again."""

import shutil

import numpy as np
import pytest

from dsth_jax import config as config_lib
from dsth_jax import datasets
from dsth_jax.datasets import prepared_files
from dsth_jax.pipeline import data as data_lib


@pytest.fixture(scope="module")
def sealed(data_dir):
  """Digits whose files are listed."""
  images = datasets.load("digits", data_dir=str(data_dir)).images
  prepared_files.seal(prepared_files.folder("digits", str(data_dir)))
  return data_dir, np.stack(list(images))


def _flip(path):
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)


def _cut(path):
  path.write_bytes(path.read_bytes()[:100])


SPOILT = [
  ("digits-train.array_record-00000-of-00002", _flip),
  ("digits-train.array_record-00001-of-00002", _cut),
  ("contents.json", _flip),
  ("dataset_info.json", _flip),
  ("features.json", lambda path: path.unlink()),
  ("fingerprint.json", _cut),
]


@pytest.mark.parametrize(
  ("name", "spoil"), SPOILT, ids=[name for name, _ in SPOILT]
)
def test_a_damaged_set_is_prepared_again(sealed, tmp_path, name, spoil):
  data_dir, images = sealed
  shutil.copytree(data_dir, tmp_path, dirs_exist_ok=True)
  spoil(tmp_path / "digits" / "1.0.0" / name)
  config = config_lib.base_config()
  config.data.data_dir = str(tmp_path)
  root = prepared_files.folder("digits", str(tmp_path))

  def read():
    prepared_files.remove_damaged(root)
    return np.stack(
      list(datasets.load("digits", data_dir=str(tmp_path)).images)
    )

  found = data_lib.with_intact_images(config, read)
  np.testing.assert_array_equal(found, images)
  assert [path.name for path in root.iterdir()] == ["1.0.0"]


def test_an_intact_set_is_left_as_it_is(sealed):
  data_dir, _ = sealed
  root = prepared_files.folder("digits", str(data_dir))
  assert not prepared_files.remove_damaged(root, is_read=True)


def test_other_errors_are_not_taken_for_damage():
  def fail():
    raise RuntimeError("another reason")

  with pytest.raises(RuntimeError, match="another reason"):
    data_lib.with_intact_images(config_lib.base_config(), fail)
