"""Backbones against the networks of torchvision and transformers.

Both get the same weights, made from the names of their tensors, and the same
images. The largest difference is relative to the largest feature.

  pip install torch torchvision transformers
  python -m benchmarks.backbones

`--record` keeps the features of small variants for the tests.
"""

import pathlib
import sys
import tempfile
from collections.abc import Iterator

import jax
import numpy as np
import safetensors.numpy
import torch
import torchvision
import transformers
from absl import app, flags

from dsth_jax.models.backbones import BACKBONES, layouts, preprocessing

_TESTS = pathlib.Path(__file__).parents[1] / "tests"
sys.path.append(str(_TESTS))

from support import random_weights  # noqa: E402

_RECORD = flags.DEFINE_bool(
  "record", False, "Writes the features of small variants for the tests."
)
_RECORDED = _TESTS / "support/recorded/backbones.npz"
_TORCHVISION = ("alexnet", "googlenet", "vgg16")


def peer(name: str, layout: layouts.Layout) -> torch.nn.Module:
  """Returns the other library's network with random weights."""
  tensors = random_weights.random_tensors(layout)
  if name not in _TORCHVISION:
    return _transformer(layout, tensors)
  # torchvision's loader sets transform_input with its ImageNet weights.
  options = dict(transform_input=True, aux_logits=False, init_weights=False)
  model = getattr(torchvision.models, name)(
    weights=None, **(options if name == "googlenet" else {})
  )
  if name == "googlenet":
    model.fc = torch.nn.Identity()
  else:
    _narrow(model.classifier, layout.module.num_features)
    model.classifier[-1] = torch.nn.Identity()
  loaded = {key: torch.from_numpy(value) for key, value in tensors.items()}
  # Not strict: the counters of steps are of training.
  missing, unexpected = model.load_state_dict(loaded, strict=False)
  assert not unexpected
  assert all("num_batches" in each for each in missing)
  return model


def _narrow(classifier: torch.nn.Sequential, width: int) -> None:
  """Gives both fully connected layers another width."""
  inputs = [each for each in classifier if hasattr(each, "in_features")]
  num_inputs = inputs[0].in_features
  for position, layer in enumerate(classifier):
    if hasattr(layer, "in_features"):
      classifier[position] = torch.nn.Linear(num_inputs, width)
      num_inputs = width


def _transformer(
  layout: layouts.Layout, tensors: dict[str, np.ndarray]
) -> torch.nn.Module:
  """Reads a folder that is as the published ones are."""
  module = layout.module
  sizes = {
    "hidden_size": module.width,
    "num_hidden_layers": module.depth,
    "num_attention_heads": module.num_heads,
    "image_size": module.grid_size * module.patch_size,
    "patch_size": module.patch_size,
  }
  if module.is_clip:
    config = transformers.CLIPVisionConfig(
      intermediate_size=4 * module.width,
      projection_dim=module.num_projected,
      **sizes,
    )
    kind = transformers.CLIPVisionModelWithProjection
  else:
    config = transformers.Dinov2Config(**sizes)
    kind = transformers.Dinov2Model
  with tempfile.TemporaryDirectory() as folder:
    config.save_pretrained(folder)
    path = pathlib.Path(folder) / "model.safetensors"
    safetensors.numpy.save_file(tensors, path, metadata={"format": "pt"})
    model, loaded = kind.from_pretrained(folder, output_loading_info=True)
  # Only the mask token is not needed.
  assert loaded["missing_keys"] <= {"embeddings.mask_token"}
  assert not loaded["unexpected_keys"]
  return model


def peer_features(
  name: str, layout: layouts.Layout, image_size: int
) -> np.ndarray:
  """Returns the other library's features of random images."""
  is_clip = name.startswith("clip")
  scale = preprocessing.clip if is_clip else preprocessing.imagenet
  images = np.array(scale(random_weights.random_images(image_size)))
  model = peer(name, layout).eval()
  with torch.no_grad():
    inputs = torch.from_numpy(images).permute(0, 3, 1, 2)
    if is_clip:
      output = model(inputs, interpolate_pos_encoding=True).image_embeds
    elif name in _TORCHVISION:
      output = model(inputs)
    else:
      output = model(inputs).pooler_output
  return output.numpy()


def compare() -> Iterator[str]:
  """Yields a row a backbone at the size that it was trained on."""
  yield "| backbone | pixels | largest relative difference |"
  yield "| --- | --- | --- |"
  for name, backbone in BACKBONES.items():
    layout = backbone.layout
    if layout is None or layout.installed is not None:
      continue
    expected = peer_features(name, layout, backbone.image_size)
    variables = layouts.variables(
      layout, random_weights.random_tensors(layout), file=name
    )
    images = random_weights.random_images(backbone.image_size)
    found = jax.jit(layout.module.apply)(variables, backbone.preprocess(images))
    error = np.abs(found - expected).max() / np.abs(expected).max()
    yield f"| {name} | {backbone.image_size} | {error:.1e} |"


def record() -> None:
  """Writes the features of the small variants."""
  features = {
    f"{name}/{size}": peer_features(name, small.layout, size)
    for name, small in random_weights.SMALL.items()
    for size in small.image_sizes
  }
  np.savez_compressed(_RECORDED, **features)


def main(argv: list[str]) -> None:
  """Compares, or records."""
  del argv
  if _RECORD.value:
    record()
    return
  for row in compare():
    print(row, flush=True)


if __name__ == "__main__":
  app.run(main)
