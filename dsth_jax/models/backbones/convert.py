r"""Converts a file of weights to the tensors that a backbone needs.

  python -m dsth_jax.models.backbones.convert --backbone=alexnet \
      --weights=alexnet-owt-7be5be79.pth --output=alexnet.safetensors

The output holds the tensors that the features need, in float32, under the names
of the original. It loads faster than a .pth file, and holds nothing that could
run.
"""

import os
from collections.abc import Sequence

import numpy as np
from absl import app, flags

from dsth_jax.models.backbones import (
  known_layouts,
  layouts,
  load_network,
  weight_files,
)

_BACKBONE = flags.DEFINE_string("backbone", "", "Name of the backbone.")
_WEIGHTS = flags.DEFINE_string(
  "weights", "", "Path of its weights, .pth or .safetensors."
)
_OUTPUT = flags.DEFINE_string(
  "output", "", "Path of the .safetensors file to write; never overwritten."
)

_MOST_LISTED = 4


def convert(backbone: str, weights: str, output: str) -> str:
  """Writes the tensors that the features need, and reads them back.

  Args:
    backbone: a name in `BACKBONES`.
    weights: path of its weights.
    output: path of a .safetensors file that is not there yet.

  Returns:
    What was read and written, in a few lines.

  Raises:
    ValueError: the backbone has no weights, the file is not of this backbone or
      holds NaN or infinity, or the output cannot be written there.
    OSError: a file cannot be read or written.
  """
  known = known_layouts()
  if backbone not in known:
    raise ValueError(
      f"the backbone is {backbone!r}, but must be one of "
      f"{', '.join(sorted(known))}."
    )
  if not os.path.isfile(weights):
    raise ValueError(f"{weights} is no file: check the path of the weights.")
  layout = known[backbone]
  tensors = weight_files.read(weights)
  needed = layouts.needed_tensors(layout, tensors, file=weights, known=known)
  for name, tensor in needed.items():
    if not np.isfinite(tensor.astype(np.float32)).all():
      raise ValueError(
        f"{weights} is damaged: {name} holds NaN or infinity. Fetch it again."
      )
  weight_files.write(output, needed)
  load_network(layout, output)
  return "\n".join(
    [
      f"read {weights}: {_described(tensors, weights)}",
      f"wrote {output}: {_described(needed, output)}, all that {backbone} needs",
      f"left out: {_listed([name for name in tensors if name not in needed])}",
    ]
  )


def _listed(names: list[str]) -> str:
  rest = len(names) - _MOST_LISTED
  more = f" and {rest} more" if rest > 0 else ""
  return (", ".join(names[:_MOST_LISTED]) or "nothing") + more


def _described(tensors: dict[str, np.ndarray], path: str) -> str:
  return f"{len(tensors)} tensors, {os.path.getsize(path) / 1e6:.1f} MB"


def main(argv: Sequence[str]) -> None:
  """Converts the file that the flags name."""
  if len(argv) > 1:
    raise app.UsageError(f"unknown argument {argv[1]}: pass flags only.")
  for flag in (_BACKBONE, _WEIGHTS, _OUTPUT):
    if not flag.value:
      raise app.UsageError(f"--{flag.name} is missing.")
  try:
    print(convert(_BACKBONE.value, _WEIGHTS.value, _OUTPUT.value))
  except (ValueError, OSError) as error:
    raise app.UsageError(str(error)) from error


if __name__ == "__main__":
  app.run(main)
