"""Features of a backbone or of files, as the stages behind see them."""

import numpy as np
import pytest

from dsth_jax import config as config_lib
from dsth_jax import feature_transforms
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import feature_extraction
from dsth_jax.pipeline.workdir import Workdir


@pytest.fixture
def config(data_dir):
  config = config_lib.base_config()
  config.data.data_dir = str(data_dir)
  return config


def _extract(config, path):
  workdir = Workdir(path)
  data = data_lib.load(workdir, config)
  return data, feature_extraction.extract_features(
    workdir, config, data.dataset, data.split
  )


def test_files_are_joined_as_backbones_are(config, tmp_path):
  rng = np.random.default_rng(0)
  blocks = [rng.random((1797, size), np.float32) for size in (5, 3)]
  for number, block in enumerate(blocks):
    np.save(tmp_path / f"{number}.npy", block)
  config.features.file = f"{tmp_path / '0.npy'}+{tmp_path / '1.npy'}"
  data, found = _extract(config, tmp_path / "run")
  transform = feature_transforms.fit_transform(
    blocks, data.splits.training, is_root=True, is_centered=True
  )
  np.testing.assert_array_equal(found.points, transform(blocks))


def test_a_file_with_other_images_is_refused(config, tmp_path):
  np.save(tmp_path / "all.npy", np.ones((1797, 2), np.float32))
  np.save(tmp_path / "few.npy", np.ones((1796, 2), np.float32))
  config.features.file = f"{tmp_path / 'all.npy'}+{tmp_path / 'few.npy'}"
  with pytest.raises(
    ValueError, match=r"few\.npy has 1796 rows for 1797 images"
  ):
    _extract(config, tmp_path / "run")


@pytest.mark.parametrize(("root", "is_said"), [(True, True), (False, False)])
def test_the_root_of_negative_features_keeps_their_signs_and_says_so(
  config, tmp_path, caplog, root, is_said
):
  features = np.tile(np.array([[-4.0, 9.0]], np.float32), (1797, 1))
  np.save(tmp_path / "features.npy", features)
  config.features.file = str(tmp_path / "features.npy")
  config.features.root, config.features.center = root, False
  with caplog.at_level("WARNING", logger="absl"):
    _, found = _extract(config, tmp_path / "run")
    np.testing.assert_array_equal(
      found.points[0], [-2.0, 3.0] if root else [-4.0, 9.0]
    )
  assert ("50% of the features of backbone 1 are negative" in caplog.text) == (
    is_said
  )


def test_half_precision_takes_half_of_the_disk(config, tmp_path):
  found = {}
  for dtype in ("float32", "float16"):
    config.features.dtype = dtype
    found[dtype] = _extract(config, tmp_path / dtype)[1].points
  assert found["float16"].dtype == np.float32
  # A pixel of 0 to 1 has a float16 within 2^-12.
  np.testing.assert_allclose(found["float16"], found["float32"], atol=2**-11)
  sizes = {
    dtype: (tmp_path / dtype / "features/pixels/features.npy").stat().st_size
    for dtype in found
  }
  assert sizes["float32"] - sizes["float16"] == 1797 * 8 * 8 * 3 * 2


def test_a_feature_that_half_precision_cannot_hold_is_refused(
  config, tmp_path, monkeypatch
):
  def backbone(*args, **settings):
    del args, settings
    return lambda images: np.full((len(images), 2), 7e4, np.float32), 2

  monkeypatch.setattr(feature_extraction.features, "backbone", backbone)
  config.features.dtype = "float16"
  with pytest.raises(ValueError, match="70000, but float16 ends at 65504"):
    _extract(config, tmp_path / "run")
