"""What several backbones, joined by "+", ask of their images and weights.

>>> image_size("pixels+alexnet"), resized_size("pixels+alexnet", 224)
(224, 256)
"""

import difflib
import hashlib
import os

from dsth_jax.models.backbones import BACKBONES

# Joins the names of several backbones.
JOINT = "+"


def check_backbones(names: str, weights: str = "") -> list[tuple[str, str]]:
  """Returns each backbone of a joint name with its file of weights.

  Args:
    names: names in `BACKBONES` or paths of .onnx files, joined by "+".
    weights: as many paths, joined by "+"; an empty one, or none at all, takes
      what is installed with this package.

  Raises:
    ValueError: a backbone is unknown, twice, or needs weights that are not
      there.
  """
  parts = names.split(JOINT)
  paths = weights.split(JOINT) if weights else [""] * len(parts)
  if len(paths) != len(parts) or len(set(parts)) != len(parts):
    raise ValueError(
      f"features.backbone is {names!r} and features.weights {weights!r}: name "
      "each backbone once, and for each one file of weights or none."
    )
  for part, path in zip(parts, paths):
    if part.endswith(".onnx"):
      continue
    if part not in BACKBONES:
      close = difflib.get_close_matches(part, BACKBONES, n=1)
      hint = f" (did you mean {close[0]}?)" if close else ""
      raise ValueError(
        f"features.backbone is {part!r}{hint}, but must be one of "
        f"{', '.join(sorted(BACKBONES))}, the path of a .onnx file, or several "
        f"joined by {JOINT}; or pass features of any other network as a .npy "
        "file (features.file)."
      )
    if BACKBONES[part].needs_weights and not path:
      raise ValueError(
        f"the backbone {part} comes without weights: name their file in "
        f"features.weights{_source(part)}."
      )
    if path and not os.path.isfile(path):
      raise ValueError(
        f"features.weights names {path}, which is no file: check the path."
      )
  return list(zip(parts, paths))


def _source(name: str) -> str:
  """Says where the weights of a backbone are found, and how to convert them."""
  layout = BACKBONES[name].layout
  if layout is None:
    return ""
  return (
    f", {layout.source}, as it is or converted by python -m "
    f"dsth_jax.models.backbones.convert --backbone={name} --weights=FILE "
    f"--output={name}.safetensors"
  )


def file_digests(names: str, weights: str) -> dict[str, str]:
  """Returns the SHA-256 of each file that joint backbones are read from.

  That is of .onnx files and of files of weights, by path; of a file that is
  missing it is empty.
  """
  paths = [
    path
    for path in (*names.split(JOINT), *weights.split(JOINT))
    if path.endswith(".onnx") or path in weights.split(JOINT)
  ]
  return {path: _digest(path) for path in paths if path}


def _digest(path: str) -> str:
  if not os.path.isfile(path):
    return ""
  with open(path, "rb") as file:
    return hashlib.file_digest(file, "sha256").hexdigest()


def image_size(names: str) -> int:
  """Returns the side in pixels that suits all of the joint backbones.

  Raises:
    ValueError: none of them says.
  """
  records = [
    BACKBONES[name] for name in names.split(JOINT) if name in BACKBONES
  ]
  size = max((record.image_size for record in records), default=0)
  if not size:
    raise ValueError(
      f"features.image_size is 0, but {names} takes images of any size: name "
      "one."
    )
  return size


def resized_size(names: str, image_size: int) -> int:
  """Returns the short side in pixels before the center is cropped.

  Where joint backbones have seen crops of other shares, it is the largest: all
  of them describe the same crop.

  Args:
    names: of joint backbones.
    image_size: of the crop; where it is not what a backbone was trained on, the
      share of the crop is.
  """
  records = [
    BACKBONES[name] for name in names.split(JOINT) if name in BACKBONES
  ]
  sizes = (
    round(image_size * record.resized_size / record.image_size)
    for record in records
    if record.resized_size
  )
  return max((image_size, *sizes))


def check_image_size(names: str, image_size: int) -> None:
  """Refuses images that are too small for a backbone.

  Raises:
    ValueError: a backbone's pools or patches need more pixels.
  """
  for name in names.split(JOINT):
    record = BACKBONES.get(name)
    if record and image_size < record.min_image_size:
      raise ValueError(
        f"features.image_size is {image_size}, but {name} needs "
        f"{record.min_image_size} pixels a side or more: set that, or "
        f"{record.image_size}, which it was trained on."
      )
