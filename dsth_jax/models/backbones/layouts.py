"""From the tensors of a file to the variables of a network.

A network says once how files name its tensors; this compares names and shapes,
transposes, and raises an error that names what does not fit.
"""

import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

_LEAVES = {
  "kernel": "weight",
  "scale": "weight",
  "mean": "running_mean",
  "var": "running_var",
}


class Format(NamedTuple):
  r"""How a file names the tensors of a network.

  Attributes:
    layers: regular expressions and what takes their place, one after the other,
      from a layer of the module (`block_0/conv`) to its prefix in the file
      (`features.0`). A slash that is left becomes a dot.
    leaves: the same for the last part of a variable's name, where it is not
      PyTorch's (`weight`, `bias`, `running_mean`, `running_var`).
    joined: last parts of the layers that share one tensor in the file, stacked
      along its first axis in this order.
    unused: matches the names of tensors that the features do not need.
  """

  layers: tuple[tuple[str, str], ...]
  leaves: tuple[tuple[str, str], ...] = ()
  joined: tuple[str, ...] = ()
  unused: str = r"(?!)"


class Layout(NamedTuple):
  """A network, and the files that hold its weights.

  Attributes:
    name: for messages.
    module: the network.
    image_size: a side in pixels that it takes.
    formats: of its files.
    source: where a user finds such a file, for messages.
    installed: returns the path of weights that are installed with this package.
  """

  name: str
  module: nn.Module
  image_size: int
  formats: tuple[Format, ...]
  source: str
  installed: Callable[[], str] | None = None


class Slot(NamedTuple):
  """Where a variable has its values in a file.

  Attributes:
    variable: its path, as in `params/conv1/kernel`.
    name: of the tensor.
    shape: of the tensor.
    part: which part of the tensor, counted from 0.
    num_parts: in how many equal parts its first axis is divided.
  """

  variable: str
  name: str
  shape: tuple[int, ...]
  part: int
  num_parts: int


class _Difference(NamedTuple):
  """How tensors differ from those of a format."""

  format: Format
  missing: list[str]
  misshapen: list[str]
  left_over: list[str]


def variables(
  layout: Layout,
  tensors: Mapping[str, np.ndarray],
  *,
  file: str,
  known: Mapping[str, Layout] | None = None,
) -> dict[str, Any]:
  """Returns the variables of a network, every array filled, in float32.

  Args:
    layout: of the network.
    tensors: of its file, by name.
    file: what messages call them.
    known: layouts by backbone, to recognize the tensors of another network.

  Raises:
    ValueError: a tensor is missing, left over or of another shape or type.
  """
  found = _fitting_format(layout, tensors, file, known or {})
  shapes = variable_shapes(layout)
  filled = {
    slot.variable: _values(tensors[slot.name], slot, shapes[slot.variable])
    for slot in slots(layout, found)
  }
  return flax.traverse_util.unflatten_dict(filled, sep="/")


def needed_tensors(
  layout: Layout,
  tensors: Mapping[str, np.ndarray],
  *,
  file: str,
  known: Mapping[str, Layout] | None = None,
) -> dict[str, np.ndarray]:
  """Returns those tensors that the features need; arguments as above."""
  found = _fitting_format(layout, tensors, file, known or {})
  needed = {slot.name for slot in slots(layout, found)}
  return {name: tensors[name] for name in tensors if name in needed}


def slots(layout: Layout, file_format: Format) -> list[Slot]:
  """Returns where each variable of a network has its values in a file."""
  return [
    _slot(variable, shape, file_format)
    for variable, shape in variable_shapes(layout).items()
  ]


def variable_shapes(layout: Layout) -> dict[str, tuple[int, ...]]:
  """Returns the shape of every variable by its path."""
  return _variable_shapes(layout.module, layout.image_size)


def _slot(variable: str, shape: tuple[int, ...], file_format: Format) -> Slot:
  _, _, path = variable.partition("/")
  layer, _, leaf = path.rpartition("/")
  last = layer.rpartition("/")[2]
  is_joined = last in file_format.joined
  for pattern, replacement in file_format.layers:
    layer = re.sub(pattern, replacement, layer)
  prefix = layer.replace("/", ".")
  leaf_names = {**_LEAVES, **dict(file_format.leaves)}
  name = leaf_names.get(leaf, leaf)
  if leaf == "kernel":
    *sizes, inputs, outputs = shape
    shape = (outputs, inputs, *sizes)
  num_parts = len(file_format.joined) if is_joined else 1
  return Slot(
    variable,
    f"{prefix}.{name}" if prefix else name,
    (num_parts * shape[0], *shape[1:]),
    file_format.joined.index(last) if is_joined else 0,
    num_parts,
  )


@functools.cache
def _variable_shapes(
  module: nn.Module, image_size: int
) -> dict[str, tuple[int, ...]]:
  image = jax.ShapeDtypeStruct((1, image_size, image_size, 3), jnp.float32)
  shaped = jax.eval_shape(module.init, jax.random.key(0), image)
  flat = flax.traverse_util.flatten_dict(shaped, sep="/")
  return {name: array.shape for name, array in flat.items()}


def _values(
  tensor: np.ndarray, slot: Slot, shape: tuple[int, ...]
) -> np.ndarray:
  size = tensor.shape[0] // slot.num_parts if slot.num_parts > 1 else 0
  part = tensor[slot.part * size :][:size] if size else tensor
  if slot.variable.endswith("/kernel"):
    # [out in h w] becomes [h w in out]; depthwise kernels have in = 1.
    part = part.transpose(*range(2, part.ndim), 1, 0)
  return np.asarray(part.reshape(shape), np.float32)


def _fitting_format(
  layout: Layout,
  tensors: Mapping[str, np.ndarray],
  file: str,
  known: Mapping[str, Layout],
) -> Format:
  """Returns the format that the tensors have.

  Raises:
    ValueError: they have none.
  """
  differences = [_difference(layout, each, tensors) for each in layout.formats]
  closest = min(differences, key=lambda d: len(d.missing) + len(d.misshapen))
  if not any(closest[1:]):
    return closest.format
  raise ValueError(_refusal(layout, tensors, closest, file, known))


def _difference(
  layout: Layout, file_format: Format, tensors: Mapping[str, np.ndarray]
) -> _Difference:
  needed = {slot.name: slot.shape for slot in slots(layout, file_format)}
  missing = [name for name in needed if name not in tensors]
  misshapen = [
    name
    for name, shape in needed.items()
    if name in tensors and not _fits(tensors[name], shape)
  ]
  left_over = [
    name
    for name in tensors
    if name not in needed and not re.fullmatch(file_format.unused, name)
  ]
  return _Difference(file_format, missing, misshapen, left_over)


def _fits(tensor: np.ndarray, shape: tuple[int, ...]) -> bool:
  """Tells whether it has float values of a shape, but for axes of length 1."""
  is_float = jnp.issubdtype(tensor.dtype, jnp.floating)
  lengths = [length for length in tensor.shape if length > 1]
  needed = [length for length in shape if length > 1]
  return is_float and lengths == needed and tensor.size == math.prod(shape)


def _refusal(
  layout: Layout,
  tensors: Mapping[str, np.ndarray],
  difference: _Difference,
  file: str,
  known: Mapping[str, Layout],
) -> str:
  """Returns why tensors are not those of a network."""
  other = _fitting_backbone(tensors, known)
  if other:
    return (
      f"{file} holds the tensors of {known[other].name} (the backbone {other}), "
      f"but needed are those of {layout.name}: name {layout.source}."
    )
  needed = {s.name: s.shape for s in slots(layout, difference.format)}
  missing = difference.missing
  if len(missing) == len(needed):
    received = next(iter(tensors), "none at all")
    return (
      f"{file} holds no tensor of {layout.name} (received is {received}, needed "
      f"is {missing[0]}): name {layout.source}."
    )
  if missing:
    return (
      f"{file} lacks {len(missing)} of the {len(needed)} tensors of "
      f"{layout.name}, such as {missing[0]}: name {layout.source}."
    )
  if difference.misshapen:
    name = difference.misshapen[0]
    tensor = tensors[name]
    return (
      f"{file} does not fit {layout.name}: {name} is {tensor.dtype} of shape "
      f"{tensor.shape}, needed are floats of shape {needed[name]}: name "
      f"{layout.source}."
    )
  name = difference.left_over[0]
  return (
    f"{file} holds {name}, which {layout.name} does not have: name "
    f"{layout.source}."
  )


def _fitting_backbone(
  tensors: Mapping[str, np.ndarray], known: Mapping[str, Layout]
) -> str:
  """Returns the backbone that tensors fit; empty if none."""
  fitting: Iterable[str] = (
    name
    for name, layout in known.items()
    for each in layout.formats
    if not any(_difference(layout, each, tensors)[1:])
  )
  return next(iter(fitting), "")
