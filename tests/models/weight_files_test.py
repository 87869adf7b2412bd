"""Files of weights: read and written whole, or refused."""

import hashlib
import pickle

import numpy as np
import pytest
import safetensors.numpy

from dsth_jax.models.backbones import torch_weights, weight_files

TENSORS = {
  "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
  "bias": np.ones(2, np.float32),
}


@pytest.fixture
def written(tmp_path):
  path = tmp_path / "weights.safetensors"
  weight_files.write(path, TENSORS)
  return path


def test_what_was_written_is_read(written):
  found = weight_files.read(written)
  assert found.keys() == TENSORS.keys()
  for name, tensor in TENSORS.items():
    np.testing.assert_array_equal(found[name], tensor)
  assert [path.name for path in written.parent.iterdir()] == [written.name]


def test_views_are_written_as_they_are_seen(tmp_path):
  path = tmp_path / "weights.safetensors"
  weight_files.write(path, {"weight": TENSORS["weight"].T.astype(np.float64)})
  found = safetensors.numpy.load_file(path)["weight"]
  assert found.dtype == np.float32
  np.testing.assert_array_equal(found, TENSORS["weight"].T)


def test_nothing_is_overwritten(written):
  before = written.read_bytes()
  with pytest.raises(ValueError, match="there already, and is not overwritten"):
    weight_files.write(written, {})
  assert written.read_bytes() == before
  with pytest.raises(ValueError, match=r"ends in \.safetensors"):
    weight_files.write(written.with_suffix(".pth"), TENSORS)


def test_every_truncation_is_refused(written):
  content = written.read_bytes()
  for length in [0, 4, 20, len(content) // 2, len(content) - 1]:
    written.write_bytes(content[:length])
    with pytest.raises(ValueError, match="damaged or cut short"):
      weight_files.read(written)


def test_a_file_is_the_one_that_its_name_says(tmp_path, monkeypatch):
  monkeypatch.setattr(torch_weights, "read_torch_tensors", lambda path: {})
  content = pickle.dumps({})
  digest = hashlib.sha256(content).hexdigest()
  path = tmp_path / f"alexnet-owt-{digest[:8]}.pth"
  path.write_bytes(content)
  assert weight_files.read(path) == {}
  path.write_bytes(content[:-1])
  with pytest.raises(ValueError, match=f"its name says {digest[:8]}"):
    weight_files.read(path)
  # Other names promise nothing.
  assert weight_files.read(path.rename(tmp_path / "mine-1234.pth")) == {}
