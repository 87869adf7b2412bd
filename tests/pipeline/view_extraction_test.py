"""Features of views: in the order of the training images, transformed alike."""

import jax
import numpy as np
import pytest

from dsth_jax import config as config_lib
from dsth_jax.baselines import BASELINES, Baseline, lsh
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import methods, run_dsth
from dsth_jax.runtime import artifacts


def _same(pixels, key):
  del key
  return pixels


def _noisy(pixels, key):
  return pixels + 20 * jax.random.normal(key, pixels.shape)


def _config(data_dir):
  config = config_lib.base_config()
  config.data.data_dir = str(data_dir)
  config.data.num_queries = 1600
  config.compare.num_views = 3
  return config


@pytest.fixture
def made(data_dir, tmp_path, monkeypatch):
  """Returns a function from a draw of views, and settings, to the inputs."""

  def make(draw, **changes):
    entry = Baseline(lsh.fit, views=draw)
    monkeypatch.setitem(BASELINES, "viewer", entry)
    config = _config(data_dir)
    for section, values in changes.items():
      config[section].update(values)
    workdir = run_dsth.open_workdir(tmp_path, config)
    data = data_lib.load(workdir, config)
    inputs = run_dsth.make_inputs(workdir, config, data, ("viewer", "lsh"))
    return config, workdir, inputs

  return make


@pytest.mark.parametrize(
  "features", [{"resized_size": 10}, {"root": True}, {"center": False}]
)
def test_unchanged_views_have_the_features_of_the_images(made, features):
  _, _, inputs = made(_same, features=features)
  points = inputs.views["viewer"].points
  training = inputs.data.splits.training
  assert points.shape == (197, 3, inputs.features.points.shape[1])
  for view in np.moveaxis(points, 1, 0):
    np.testing.assert_array_equal(view, inputs.features.points[training])


def test_every_view_is_a_draw_of_its_own_and_the_same_again(made, tmp_path):
  _, workdir, inputs = made(_noisy, features={"center": False})
  points = inputs.views["viewer"].points
  first, second, third = np.moveaxis(points, 1, 0)
  training = inputs.data.splits.training
  for one, other in (
    (first, second),
    (second, third),
    (first, inputs.features.points[training]),
  ):
    assert (one != other).any(axis=1).all()
  assert not np.array_equal(points[0, 0] - points[0, 1], points[1, 0])
  name = "features/pixels.views.viewer"
  assert not workdir.stages[name]["reused"]
  _, workdir, again = made(_noisy, features={"center": False})
  assert workdir.stages[name]["reused"]
  np.testing.assert_array_equal(again.views["viewer"].points, points)
  assert artifacts.read_record(tmp_path / name)[0]


@pytest.mark.parametrize(
  ("changes", "is_reused"),
  [
    ({"compare": {"num_views": 2}}, False),
    ({"data": {"num_queries": 1500}}, False),
    ({"compare": {"num_bits": (8,)}, "features": {"root": True}}, True),
  ],
)
def test_views_are_described_again_if_what_they_depend_on_has_changed(
  made, changes, is_reused
):
  made(_same)
  _, workdir, _ = made(_same, **changes)
  name = "features/pixels.views.viewer"
  assert workdir.stages[name]["reused"] == is_reused


def test_codes_depend_on_the_views(made):
  config, _, inputs = made(_same)
  found = methods.depends_on(config, inputs, "viewer")
  assert "features/pixels.views.viewer" in [
    getattr(dependency, "name", "") for dependency in found
  ]
