"""Pixels as the networks were trained on them."""

import numpy as np
import pytest

from dsth_jax.models.backbones import BACKBONES, preprocessing

PIXELS = np.array([[0, 128, 255], [255, 0, 7]], np.uint8).reshape(1, 1, 2, 3)


def _expected(mean, std):
  return (PIXELS / 255 - np.array(mean)) / np.array(std)


@pytest.mark.parametrize(
  ("name", "mean", "std"),
  [
    ("alexnet", preprocessing.IMAGENET_MEAN, preprocessing.IMAGENET_STD),
    ("vgg16", preprocessing.IMAGENET_MEAN, preprocessing.IMAGENET_STD),
    ("dinov2_vits14", preprocessing.IMAGENET_MEAN, preprocessing.IMAGENET_STD),
    ("clip_vitb16", preprocessing.CLIP_MEAN, preprocessing.CLIP_STD),
  ],
)
def test_pixels_are_normalized_by_channel(name, mean, std):
  found = BACKBONES[name].preprocess(PIXELS)
  np.testing.assert_allclose(found, _expected(mean, std), atol=1e-6)


def test_googlenet_sees_what_torchvision_makes_of_normalized_pixels():
  # GoogLeNet._transform_input, written out.
  mean, std = map(
    np.array, (preprocessing.IMAGENET_MEAN, preprocessing.IMAGENET_STD)
  )
  normalized = _expected(mean, std)
  transformed = normalized * (std / 0.5) + (mean - 0.5) / 0.5
  found = BACKBONES["googlenet"].preprocess(PIXELS)
  np.testing.assert_allclose(found, transformed, atol=1e-6)
