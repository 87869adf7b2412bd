"""Weights in files of PyTorch: read, or refused without running them."""

import io
import os
import pathlib
import pickle
import zipfile

import numpy as np
import pytest

from dsth_jax.models.backbones import efficientnet_lite, torch_weights

RECORDED = (
  pathlib.Path(__file__).parents[1] / "support/recorded/efficientnet_lite.npz"
)


@pytest.fixture(scope="module")
def recorded():
  """Files of torch.save in both formats, and their tensors."""
  with np.load(RECORDED) as file:
    return dict(file)


@pytest.fixture(params=["legacy", "zip"])
def saved(request, recorded):
  return recorded[request.param].tobytes()


@pytest.fixture
def read(tmp_path):
  def read(content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    return torch_weights.read_torch_tensors(path)

  return read


def legacy(state_dict):
  """A file in the legacy format, its storages left out."""
  head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
  pickled = [pickle.dumps(value, 2) for value in [*head, state_dict, []]]
  return b"".join(pickled)


def archive(state_dict):
  buffer = io.BytesIO()
  with zipfile.ZipFile(buffer, "w") as file:
    file.writestr("archive/data.pkl", pickle.dumps(state_dict, 2))
  return buffer.getvalue()


def test_reads_what_torch_wrote(read, saved, recorded):
  expected = {
    name.removeprefix("tensor/"): value
    for name, value in recorded.items()
    if name.startswith("tensor/")
  }
  tensors = read(saved)
  assert list(tensors) == list(expected)
  for name, value in expected.items():
    assert tensors[name].dtype == value.dtype
    np.testing.assert_array_equal(tensors[name], value)


def test_reads_all_weights_of_the_backbone():
  tensors = torch_weights.read_torch_tensors(
    efficientnet_lite.LITE0.installed()
  )
  # 4,652,008 is the published number of parameters of EfficientNet-Lite0.
  learned = [
    tensor.size
    for name, tensor in tensors.items()
    if "running" not in name and "num_batches" not in name
  ]
  assert sum(learned) == 4_652_008
  assert all(np.isfinite(tensor).all() for tensor in tensors.values())


class Call:
  """Pickles into a call of any function."""

  def __init__(self, function, *args):
    self.call = (function, args)

  def __reduce__(self):
    return self.call


@pytest.mark.parametrize("wrap", [pickle.dumps, legacy, archive])
@pytest.mark.parametrize("function", [os.system, eval, os.mkdir])
def test_refuses_to_run_a_program(read, tmp_path, wrap, function):
  target = tmp_path / "ran"
  argument = {
    os.system: f"touch {target}",
    eval: f"open({str(target)!r}, 'w').close()",
    os.mkdir: str(target),
  }[function]
  with pytest.raises(ValueError, match="could run any program"):
    read(wrap({"weight": Call(function, argument)}))
  assert not target.exists()


def test_refuses_a_name_inside_an_allowed_one(read):
  # Protocol 4 resolves dotted names; OrderedDict is allowed, not its parts.
  content = b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.fromkeys\x93\x8c\x01a\x85R."
  with pytest.raises(ValueError, match=r"OrderedDict\.fromkeys"):
    read(content)


def test_refuses_every_truncation(read, saved):
  for length in [*range(0, len(saved), 97), len(saved) - 1]:
    with pytest.raises(ValueError, match="damaged or cut short"):
      read(saved[:length])


def test_a_damaged_byte_is_refused_or_ignored(read, saved):
  damaged = bytearray(saved)
  for position in range(0, len(saved), 11):
    kept, damaged[position] = damaged[position], 0
    try:
      assert isinstance(read(bytes(damaged)), dict)
    except ValueError as error:
      assert "weights.pth" in str(error)  # noqa: PT017
    damaged[position] = kept


@pytest.mark.parametrize(
  ("content", "message"),
  [
    (b"", "cut short"),
    (b"a text file", "no weight file"),
    (pickle.dumps(5), "not one that torch.save wrote"),
    (legacy([1, 2]), "holds a list, not a mapping"),
    (legacy({"epoch": 3}), "'epoch' is a int, not a tensor"),
    (archive({"model": {"weight": 1}}), "'model' is a dict, not a tensor"),
    (legacy({}).replace(b"\x88", b"\x89", 1), "big-endian"),
  ],
)
def test_refuses_other_files(read, content, message):
  with pytest.raises(ValueError, match=message):
    read(content)


def test_refuses_a_tensor_larger_than_its_storage():
  storage = torch_weights._Storage(np.dtype(np.float32), "0", 4)
  content = {"0": np.arange(4, dtype=np.float32).tobytes()}
  for offset, shape, strides in [
    (0, (5,), (1,)),
    (1, (4,), (1,)),
    (-1, (2,), (1,)),
    (3, (2,), (-1,)),
    (0, (2, 2), (3, 1)),
    (0, (1 << 40,), (0,)),
  ]:
    tensor = torch_weights._Tensor(storage, offset, shape, strides)
    with pytest.raises(
      torch_weights._Refused, match="reaches past its storage"
    ):
      torch_weights._materialize("weight", tensor, content)
