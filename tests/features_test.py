import numpy as np
import pytest

from dsth_jax import features


@pytest.fixture
def rows():
  return np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)


@pytest.fixture
def saved(tmp_path):
  def saved(array):
    path = tmp_path / "features.npy"
    np.save(path, array)
    return path

  return saved


def test_pixels_are_flat_and_scaled():
  images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
  found = features.pixels(images)
  assert found.dtype == np.float32
  expected = [[v / 255 for v in image.ravel().tolist()] for image in images]
  np.testing.assert_allclose(found, expected, rtol=1e-7)  # One rounding.


def test_extract_keeps_the_order_and_goes_on_anywhere():
  images = np.random.default_rng(0).integers(0, 256, (11, 4, 4, 3), np.uint8)
  whole = features.pixels(images)
  for start in (0, 4, 5, 10, 11):
    batches = features.extract(
      images,
      forward_batch=features.pixels,
      image_size=4,
      batch_size=4,
      start=start,
    )
    sizes = []
    found = np.empty((0, 48), np.float32)
    for batch in batches:
      sizes.append(len(batch))
      found = np.concatenate([found, batch])
    np.testing.assert_array_equal(found, whole[start:])
    assert all(size == 4 for size in sizes[:-1])


def test_pixels_backbone_knows_its_width():
  forward_batch, num_features = features.backbone(
    "pixels", image_size=5, batch_size=2
  )
  images = np.zeros((2, 5, 5, 3), np.uint8)
  assert forward_batch(images).shape == (2, num_features)


def test_unknown_backbone():
  with pytest.raises(ValueError, match="'resnet': choose pixels or"):
    features.backbone("resnet", image_size=224, batch_size=2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_read_npy_maps_the_file(saved, rows, dtype):
  found = features.read_npy(saved(rows.astype(dtype)), num_images=20)
  assert isinstance(found, np.memmap)
  np.testing.assert_array_equal(found, rows.astype(dtype))


@pytest.mark.parametrize(
  ("array", "message"),
  [
    (np.zeros((19, 3), np.float32), "19 rows for 20 images"),
    (np.zeros(20, np.float32), r"float32 of shape \(20,\)"),
    (np.zeros((20, 3), np.int32), "holds int32"),
    (np.full((20, 3), np.nan, np.float32), "row 0 of the features"),
    (np.array([{}] * 20), "cannot be read as a .npy file"),
  ],
)
def test_read_npy_says_what_is_wrong(saved, array, message):
  with pytest.raises(ValueError, match=message):
    features.read_npy(saved(array), num_images=20)


def test_read_npy_refuses_other_files(saved, rows, tmp_path):
  path = saved(rows)
  content = path.read_bytes()
  for length in (0, 5, 40, len(content) - 1):
    path.write_bytes(content[:length])
    with pytest.raises(ValueError, match=r"cannot be read as a \.npy file"):
      features.read_npy(path, num_images=20)
  with pytest.raises(ValueError, match=r"missing\.npy cannot be read"):
    features.read_npy(tmp_path / "missing.npy", num_images=20)
  archive = tmp_path / "features.npz"
  np.savez(archive, rows)
  with pytest.raises(ValueError, match="archive of arrays"):
    features.read_npy(archive, num_images=20)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 7, 19])
def test_check_finite_names_the_first_bad_row(rows, bad, row, monkeypatch):
  monkeypatch.setattr(features, "_CHUNK", 6)
  features.check_finite(rows)
  rows[row:, 1] = bad
  with pytest.raises(ValueError, match=f"row {100 + row} of the features"):
    features.check_finite(rows, first_row=100)


def test_centre_subtracts_the_mean(rows):
  centred = features.center(rows.astype(np.float16))
  assert centred.dtype == np.float32
  exact = rows.astype(np.float16).astype(np.float64)
  # One rounding of the mean and one of the difference.
  np.testing.assert_allclose(centred, exact - exact.mean(axis=0), atol=1e-6)


def test_centre_takes_the_mean_of_the_reference(rows):
  training = rows[:12]
  centred = features.center(rows, reference=training)
  np.testing.assert_array_equal(centred[:12], features.center(training))
  np.testing.assert_allclose(
    centred - centred[:1], rows - rows[:1], atol=1e-6
  )  # As above.


def test_centre_sums_in_float64():
  # A float32 sum of these rows is off by up to 1e-3 of the mean.
  rows = np.full((200_000, 1), 0.1, np.float32)
  np.testing.assert_array_equal(features.center(rows), np.zeros_like(rows))
