import jax.numpy as jnp
import numpy as np
import pytest

from dsth_jax import feature_transforms, features


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
  found, _ = features.backbone("pixels", image_size=2, batch_size=2)
  found = found(images)
  assert found.dtype == np.float32
  expected = [[v / 255 for v in image.ravel().tolist()] for image in images]
  np.testing.assert_allclose(found, expected, rtol=1e-7)  # One rounding.


def test_extract_keeps_the_order_and_goes_on_anywhere():
  images = np.random.default_rng(0).integers(0, 256, (11, 4, 4, 3), np.uint8)
  forward_batch, _ = features.backbone("pixels", image_size=4, batch_size=11)
  whole = forward_batch(images)
  for start in (0, 4, 5, 10, 11):
    batches = features.extract(
      images,
      forward_batch=forward_batch,
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


@pytest.mark.parametrize(
  ("names", "weights", "message"),
  [
    ("swin", "", "'swin', but must be one of alexnet, clip_vitb16, "),
    ("efficientnet_lite", "", r"did you mean efficientnet_lite2\?"),
    ("alexnet", "", r"alexnet-owt-.*backbones\.convert --backbone=alexnet --w"),
    ("pixels+swin", "", "'swin', but must be one of"),
    ("pixels+pixels", "", "name each backbone once"),
    ("pixels", "a+b", "for each one file of weights or none"),
    ("efficientnet_lite0", "missing.pth", "missing.pth, which is no file"),
  ],
)
def test_impossible_backbones_are_refused(names, weights, message):
  with pytest.raises(ValueError, match=message):
    features.check_backbones(names, weights)


def test_joint_backbones_each_have_their_weights(tmp_path):
  path = str(tmp_path / "weights.pth")
  open(path, "w").close()
  assert features.check_backbones("pixels+net.onnx", f"+{path}") == [
    ("pixels", ""),
    ("net.onnx", path),
  ]


def test_a_crop_has_the_share_that_the_backbone_was_trained_on():
  assert features.resized_size("efficientnet_lite0", 224) == 224
  assert features.resized_size("alexnet", 224) == 256
  assert features.resized_size("alexnet", 112) == 128
  assert features.resized_size("pixels+vgg16+net.onnx", 224) == 256


def test_images_that_are_too_small_are_refused():
  features.check_image_size("alexnet", 63)
  with pytest.raises(ValueError, match="62, but alexnet needs 63 pixels"):
    features.check_image_size("pixels+alexnet", 62)
  with pytest.raises(ValueError, match="31, but clip_vitb32 needs 32 pixels"):
    features.check_image_size("clip_vitb32", 31)


def test_the_image_size_of_joint_backbones_is_the_largest():
  assert features.image_size("pixels+efficientnet_lite0") == 224
  with pytest.raises(ValueError, match="pixels takes images of any size"):
    features.image_size("pixels")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_open_file_maps_the_file(saved, rows, dtype):
  found = features.open_file(saved(rows.astype(dtype)), num_images=20)
  assert isinstance(found, np.memmap)
  np.testing.assert_array_equal(found, rows.astype(dtype))


@pytest.mark.parametrize(
  ("array", "message"),
  [
    (np.zeros((19, 3), np.float32), "19 rows for 20 images"),
    (np.zeros(20, np.float32), r"float32 of shape \(20,\)"),
    (np.zeros((20, 3), np.int32), "holds int32"),
    (np.array([{}] * 20), "cannot be read as a .npy file"),
  ],
)
def test_open_file_says_what_is_wrong(saved, array, message):
  with pytest.raises(ValueError, match=message):
    features.open_file(saved(array), num_images=20)


def test_open_file_refuses_other_files(saved, rows, tmp_path):
  path = saved(rows)
  content = path.read_bytes()
  for length in (0, 5, 40, len(content) - 1):
    path.write_bytes(content[:length])
    with pytest.raises(ValueError, match=r"cannot be read as a \.npy file"):
      features.open_file(path, num_images=20)
  with pytest.raises(ValueError, match=r"missing\.npy cannot be read"):
    features.open_file(tmp_path / "missing.npy", num_images=20)
  archive = tmp_path / "features.npz"
  np.savez(archive, rows)
  with pytest.raises(ValueError, match="archive of arrays"):
    features.open_file(archive, num_images=20)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 7, 19])
def test_check_finite_names_the_first_bad_row(rows, bad, row, monkeypatch):
  monkeypatch.setattr(features, "_CHUNK", 6)
  features.check_finite(rows)
  rows[row:, 1] = bad
  with pytest.raises(ValueError, match=f"row {100 + row} of the features"):
    features.check_finite(rows, first_row=100)


def test_joint_backbones_become_one_function_of_pixels():
  images = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)
  forward_batch, _ = features.backbone("pixels", image_size=4, batch_size=5)
  blocks = [forward_batch(images)]
  transform = feature_transforms.fit_transform(
    blocks, np.arange(5), is_root=True, is_centered=True
  )
  forward = features.forward("pixels", "", transform)
  np.testing.assert_allclose(
    forward(jnp.asarray(images)), transform(blocks), atol=1e-6
  )
  with pytest.raises(ValueError, match=r"net\.onnx is a network of its own"):
    features.forward("pixels+net.onnx", "", transform)
