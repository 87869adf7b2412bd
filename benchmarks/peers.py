"""SimpleNet and EfficientNet-Lite0 in PyTorch, as a user would write them."""

import itertools
from collections.abc import Callable

import numpy as np


def _simplenet(num_bits: int):
  import torch
  from torch import nn

  class SimpleNet(nn.Module):
    """Table I with the slice head, as dsth_jax.models.hash_models.simplenet."""

    def __init__(self) -> None:
      super().__init__()
      widths = (3, 32, 32, 64)
      self.convs = nn.ModuleList(
        nn.Conv2d(i, o, 5, padding=2, bias=False)
        for i, o in itertools.pairwise(widths)
      )
      self.norms = nn.ModuleList(nn.BatchNorm2d(o) for o in widths[1:])
      self.max_pool = nn.MaxPool2d(3, 2, ceil_mode=True)
      self.avg_pool = nn.AvgPool2d(
        3, 2, ceil_mode=True, count_include_pad=False
      )
      self.hidden = nn.Linear(1024, 1024)
      self.kernel = nn.Parameter(0.1 * torch.randn(16, 64, num_bits // 16))
      self.bias = nn.Parameter(torch.zeros(num_bits))
      self.norm = nn.BatchNorm1d(num_bits, affine=False)

    def forward(self, x):
      for index, (conv, norm) in enumerate(zip(self.convs, self.norms)):
        x = conv(x)
        x = self.max_pool(x) if index == 0 else x
        x = torch.relu(norm(x))
        x = x if index == 0 else self.avg_pool(x)
      x = torch.relu(self.hidden(x.flatten(1))).view(len(x), 16, 64)
      bits = torch.einsum("ngs,gsb->ngb", x, self.kernel)
      return self.norm(bits.reshape(len(x), -1) + self.bias)

  return SimpleNet()


def _formats() -> dict[str, object]:
  import torch

  return {
    "PyTorch": torch.contiguous_format,
    "PyTorch, channels_last": torch.channels_last,
  }


def training_steps(
  pixels: np.ndarray, codes: np.ndarray
) -> dict[str, Callable[[], None]]:
  """Returns a step in float32 for each memory format."""
  import torch

  def step_in(memory_format) -> Callable[[], None]:
    model = _simplenet(codes.shape[1]).to(memory_format=memory_format)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    images = torch.tensor(pixels.transpose(0, 3, 1, 2))
    images = images.to(memory_format=memory_format)
    bits = torch.tensor(codes).float()

    def step() -> None:
      optimizer.zero_grad()
      outputs = model(images.float() / 127.5 - 1)
      ((outputs - bits) ** 2).sum(1).mean().backward()
      optimizer.step()

    return step

  return {name: step_in(each) for name, each in _formats().items()}


def part_steps(
  images: np.ndarray, kernel: np.ndarray
) -> dict[str, Callable[[], None]]:
  """Returns forward and gradients of a convolution and the pooling after it."""
  import torch
  from torch.nn import functional

  is_first = images.shape[-1] == 3

  def step_in(memory_format) -> Callable[[], None]:
    inputs = torch.tensor(images.transpose(0, 3, 1, 2))
    inputs = inputs.to(memory_format=memory_format)
    inputs.requires_grad_(not is_first)
    weights = torch.tensor(kernel.transpose(3, 2, 0, 1))
    weights = weights.to(memory_format=memory_format).requires_grad_()

    def step() -> None:
      inputs.grad = weights.grad = None
      outputs = functional.conv2d(inputs, weights, padding=2)
      if is_first:
        outputs = functional.max_pool2d(outputs, 3, 2, ceil_mode=True)
      else:
        outputs = functional.avg_pool2d(
          outputs, 3, 2, ceil_mode=True, count_include_pad=False
        )
      (outputs**2).sum().backward()

    return step

  return {name: step_in(each) for name, each in _formats().items()}


def hash_networks(
  pixels: np.ndarray, num_bits: int
) -> dict[str, Callable[[], None]]:
  """Returns a forward pass in float32 for each memory format."""
  import torch

  def forward_in(memory_format) -> Callable[[], None]:
    model = _simplenet(num_bits).to(memory_format=memory_format).eval()
    images = torch.tensor(pixels.transpose(0, 3, 1, 2))
    images = images.to(memory_format=memory_format)

    @torch.inference_mode()
    def forward() -> None:
      model(images.float() / 127.5 - 1)

    return forward

  return {name: forward_in(each) for name, each in _formats().items()}


def backbones(pixels: np.ndarray) -> dict[str, Callable[[], None]]:
  """Returns EfficientNet-Lite0's features for each memory format."""
  import torch
  from efficientnet_lite_pytorch import EfficientNet

  def features_in(memory_format) -> Callable[[], None]:
    # Random weights: they take the same time.
    model = EfficientNet.from_name("efficientnet-lite0").eval()
    model = model.to(memory_format=memory_format)
    images = torch.tensor(pixels.transpose(0, 3, 1, 2))
    images = images.to(memory_format=memory_format)

    @torch.inference_mode()
    def features() -> None:
      model.extract_features((images.float() - 127) / 128)

    return features

  return {name: features_in(each) for name, each in _formats().items()}
