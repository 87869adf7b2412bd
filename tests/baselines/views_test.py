"""Rotated, cropped, recolored and blurred images."""

import colorsys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from dsth_jax.baselines import views


def _pixels(num_images=6, size=8):
  rng = np.random.default_rng(0)
  pixels = rng.uniform(0, 255, (num_images, size, size, 3))
  return jnp.asarray(pixels, jnp.float32)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_quarter_rotations_are_numpys(quarters):
  pixels = _pixels()
  angles = jnp.full(6, quarters * np.pi / 2)
  found = views.rotate(pixels, angles)
  expected = np.rot90(pixels, quarters, axes=(1, 2))
  # Places are off by float32's 1e-7 of 8 pixels, times differences of 255.
  np.testing.assert_allclose(found, expected, atol=1e-3)


def test_each_image_is_rotated_by_its_own_angle_as_scipy_does():
  pixels = _pixels(2)
  found = views.rotate(pixels, jnp.deg2rad(jnp.array([7.0, -10.0])))
  for image, degrees, own in zip(pixels, (7.0, -10.0), found, strict=True):
    expected = scipy.ndimage.rotate(
      image, degrees, (1, 0), reshape=False, order=1, mode="nearest"
    )
    np.testing.assert_allclose(own, expected, atol=1e-2)


def test_crops_lie_within_the_image_and_are_mirrored_every_other_time(key):
  # A ramp along the columns: its slope tells the scale and the direction.
  size = 16
  ramp = np.tile(np.arange(size, dtype=np.float32), (size, 1))
  pixels = jnp.tile(ramp[None, :, :, None], (400, 1, 1, 3))
  found = np.asarray(views.crop(pixels, key))[:, 0, :, 0]
  slopes = np.diff(found, axis=1)[:, 4]
  sides = np.abs(slopes)
  assert (sides >= np.sqrt(0.5) - 1e-4).all()
  assert (sides <= 1 + 1e-4).all()
  # Areas are uniform.
  assert np.mean(sides**2) == pytest.approx(0.75, abs=0.03)
  # Four standard errors of 400 draws.
  assert (slopes < 0).mean() == pytest.approx(0.5, abs=0.1)
  assert found.min() >= 0
  assert found.max() <= size - 1


def test_recolored_pixels_stay_in_range_and_a_share_becomes_gray(key):
  pixels = jnp.tile(_pixels(1), (500, 1, 1, 1))
  found = np.asarray(views.recolor(pixels, key))
  assert found.min() >= 0
  assert found.max() <= 255.001
  is_gray = np.ptp(found, axis=3).max(axis=(1, 2)) < 1e-3
  assert is_gray.mean() == pytest.approx(0.2, abs=0.07)
  same = np.abs(found - pixels).max(axis=(1, 2, 3)) < 1e-3
  assert same.mean() == pytest.approx(0.3 * 0.8, abs=0.08)
  luma = np.asarray(pixels[0]) @ [0.299, 0.587, 0.114]
  unchanged = found[is_gray][:, :, :, 0]
  closest = np.abs(unchanged - luma[None]).max(axis=(1, 2)).min()
  assert closest < 1e-2


def test_a_gray_image_keeps_its_colors_and_its_mean_decides_the_contrast(key):
  pixels = jnp.full((50, 4, 4, 3), 100.0)
  found = np.asarray(views.recolor(pixels, key))
  # Neither contrast nor saturation changes what is uniformly gray.
  assert np.ptp(found, axis=(1, 2, 3)).max() < 1e-3
  assert found.min() >= 60 - 1e-3
  assert found.max() <= 140 + 1e-3


def test_hues_move_along_the_circle_of_hsv(key):
  pixels = _pixels(3, 4)
  # Also grays, black, and colors of which two channels are equal.
  pixels = pixels.at[0, 0, :, :].set(100.0).at[0, 1, :, 0].set(0.0)
  pixels = pixels.at[0, 1, :, 1:].set(9.0).at[0, 2].set(0.0)
  shifts = jnp.array([0.1, -0.07, 0.9])
  found = np.asarray(views.shift_hues(pixels, shifts)) / 255
  for image, own, shift in zip(np.asarray(pixels) / 255, found, shifts):
    for before, after in zip(image.reshape(-1, 3), own.reshape(-1, 3)):
      hue, saturation, value = colorsys.rgb_to_hsv(*before.tolist())
      hue = (hue + float(shift)) % 1
      expected = colorsys.hsv_to_rgb(hue, saturation, value)
      np.testing.assert_allclose(after, expected, atol=1e-5)


def test_half_of_the_images_are_blurred_by_a_gaussian(key):
  point = np.zeros((9, 9), np.float32)
  point[4, 4] = 1.0
  pixels = jnp.tile(jnp.asarray(point)[None, :, :, None], (400, 1, 1, 3))
  found = np.asarray(views.blur(pixels, key))[..., 0]
  blurred = found[found[:, 4, 4] < 1 - 1e-6]
  # Those of the smallest deviations move nothing: up to 0.2 of 2.
  assert len(blurred) / 400 == pytest.approx(0.5 * 0.95, abs=0.1)
  for image in blurred:
    ratio = image[4, 5] / image[4, 4]
    deviation = np.sqrt(-0.5 / np.log(ratio))
    assert 0.1 <= deviation <= 2.001
    # scipy's kernel, cut after one pixel.
    expected = scipy.ndimage.gaussian_filter(
      point, deviation, radius=1, mode="mirror"
    )
    np.testing.assert_allclose(image, expected, atol=1e-5)
  flat = jnp.full((20, 5, 5, 3), 7.0)
  np.testing.assert_allclose(views.blur(flat, key), flat, rtol=1e-5)


def test_two_views_are_two_draws_of_every_image(key):
  pixels = _pixels(4, 16).astype(jnp.uint8)
  first, second = np.split(np.asarray(views.two_views(pixels, key)), 2)
  assert first.shape == pixels.shape
  assert (np.abs(first - second).max(axis=(1, 2, 3)) > 1).all()
  again = views.two_views(pixels, key)
  np.testing.assert_array_equal(np.concatenate([first, second]), again)
  other = views.two_views(pixels, jax.random.key(1))
  assert (np.asarray(other) != np.asarray(again)).any()
