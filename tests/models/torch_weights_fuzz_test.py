"""Pickles that PyTorch never wrote change nothing and are answered in words."""

import collections
import pathlib
import pickle
import pickletools

import ml_dtypes
import numpy as np
import pytest

from dsth_jax.models.backbones import torch_weights

RECORDED = (
  pathlib.Path(__file__).parents[1] / "support/recorded/efficientnet_lite.npz"
)
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
# What a pickle may ask for, the value that it builds with, and small numbers.
PIECES = [
  *OPCODES,
  b"ctorch\nBFloat16Storage\n",
  b"ctorch._utils\n_rebuild_tensor_v2\n",
  b"ccollections\nOrderedDict\n",
  b"}X\x08\x00\x00\x00itemsizeK\x08sb",
  b"(K\x01K\x02t",
  b"r\xff\xff\xff\x7f",
  b"\x8e\xff\xff\xff\xff\xff\x00\x00\x00",
]


def _state():
  """What a pickle could reach, in one comparable form."""
  reached = [
    *torch_weights._STORAGES.values(),
    torch_weights._NewTensor,
    torch_weights._NewMapping,
    torch_weights._StorageName,
    collections.OrderedDict,
  ]
  return [
    (repr(thing), sorted(map(str, getattr(thing, "__dict__", ()))))
    for thing in reached
  ] + [BFLOAT16.itemsize, BFLOAT16.alignment, BFLOAT16.str]


@pytest.fixture(scope="module")
def legacy():
  with np.load(RECORDED) as file:
    return file["legacy"].tobytes()


@pytest.fixture
def read(tmp_path):
  def read(content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    return torch_weights.read_torch_tensors(path)

  return read


@pytest.mark.parametrize(
  "name",
  [
    ("torch", "BFloat16Storage"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("collections", "OrderedDict"),
  ],
  ids=lambda name: name[1],
)
@pytest.mark.parametrize(
  "state",
  [
    (3, "|", None, ("a",), {}, 8, 8, 0),
    {"itemsize": 8},
    (None, {"itemsize": 8, "__defaults__": (1,)}),
  ],
  ids=["state", "attributes", "slots"],
)
def test_a_name_that_a_pickle_asks_for_cannot_be_changed(read, name, state):
  before = _state()
  module, attribute = name
  built = pickle.dumps(state, 2)[2:-1]
  content = f"c{module}\n{attribute}\n".encode() + built + b"b."
  with pytest.raises(ValueError, match=r"weights\.pth"):
    read(b"\x80\x02" + content)
  assert _state() == before
  np.testing.assert_array_equal(np.zeros(3, BFLOAT16), 0)


def _mutated(content, rng):
  """Returns a pickle with a few pieces put in, taken out or overwritten."""
  mutant = bytearray(content)
  for _ in range(rng.integers(1, 4)):
    # The pickles come first, and the values of the tensors after them.
    place = int(rng.integers(0, min(len(mutant), 1500)))
    piece = PIECES[rng.integers(len(PIECES))]
    removed = rng.integers(0, 6) if rng.random() < 0.3 else 0
    overwritten = len(piece) if rng.random() < 0.5 else 0
    mutant[place : place + max(removed, overwritten)] = piece
  return bytes(mutant)


def test_mutated_pickles_are_read_or_refused_and_change_nothing(read, legacy):
  rng, before, refused = np.random.default_rng(0), _state(), 0
  for _ in range(600):
    mutant = _mutated(legacy, rng)
    try:
      tensors = read(mutant)
    except ValueError as error:
      refused += 1
      assert "weights.pth" in str(error)  # noqa: PT017
    else:
      assert all(isinstance(value, np.ndarray) for value in tensors.values())
  assert _state() == before
  # Most of them are damaged, and some are only of other values.
  assert 300 < refused < 600


def test_a_pickle_that_claims_much_memory_gets_none(read):
  for claim in (b"K\x01r\xff\xff\xff\x7f", b"\x8e" + b"\xff" * 5 + bytes(3)):
    with pytest.raises(ValueError, match=r"weights\.pth"):
      read(b"\x80\x04" + claim + b".")


def test_names_of_nested_lists_are_not_spelled_out(read):
  # Each list holds the one before it twice: 2^60 in text.
  nested = b"]q\x00" + b"".join(
    b"]q%c(h%ch%ce" % (n + 1, n, n) for n in range(60)
  )
  pid = b"(" + nested + b"K\x01K\x01K\x01K\x01tQ."
  with pytest.raises(ValueError, match="not a tensor's storage"):
    read(b"\x80\x02" + pid)


def test_a_state_dict_keeps_its_tensors_and_loses_its_versions(read):
  versions = {"": {"version": 1}}
  content = collections.OrderedDict()
  content._metadata = versions
  head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
  pickled = [pickle.dumps(value, 2) for value in [*head, content, []]]
  assert read(b"".join(pickled)) == {}
