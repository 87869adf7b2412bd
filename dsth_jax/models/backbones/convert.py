r"""Converts a file of weights to the tensors that a backbone needs.

  python -m dsth_jax.models.backbones.convert --backbone=alexnet \
      --weights=alexnet-owt-7be5be79.pth --output=alexnet.safetensors

The output holds the tensors that the features need, in float32, under the names
of the original. It loads faster than a .pth file, and holds nothing that could
run.
"""

import argparse
import os
import sys

import numpy as np

from dsth_jax.models.backbones import (
  known_layouts,
  layouts,
  load_network,
  weight_files,
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


def main() -> None:
  """Converts the file that the command line names."""
  parser = argparse.ArgumentParser(
    description="Converts weights to the tensors that a backbone needs.",
    allow_abbrev=False,
  )
  parser.add_argument("--backbone", required=True, help="name of the backbone")
  parser.add_argument(
    "--weights", required=True, help="path of its weights, .pth or .safetensors"
  )
  parser.add_argument(
    "--output",
    required=True,
    help="path of the .safetensors file to write; never overwritten",
  )
  given = parser.parse_args()
  try:
    print(convert(given.backbone, given.weights, given.output))
  except (ValueError, OSError) as error:
    sys.exit(f"dsth_jax: {error}")


if __name__ == "__main__":
  main()
