import subprocess
import sys

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dsth_jax.models import inference

ENGINES = ["onnx", "jit"]


class Network(nn.Module):
  """One of each layer of the networks in this package."""

  @nn.compact
  def __call__(self, x):
    x = nn.Conv(8, (5, 5), padding="SAME")(x)
    x = nn.relu(nn.BatchNorm(use_running_average=True)(x))
    x = jnp.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
    x = nn.max_pool(x, window_shape=(3, 3), strides=(2, 2), padding="VALID")
    x = nn.Conv(8, (3, 3), 2, padding="SAME", feature_group_count=8)(x)
    x = nn.avg_pool(x, window_shape=(2, 2), strides=(2, 2), padding="VALID")
    return nn.sigmoid(nn.Dense(5)(x.reshape(x.shape[0], -1)))


@pytest.fixture(scope="module")
def forward():
  network = Network()
  image = jax.ShapeDtypeStruct((1, 16, 16, 3), np.float32)
  shapes = jax.eval_shape(network.init, jax.random.key(0), image)
  rng = np.random.default_rng(0)
  # Drawn by NumPy: init compiles a program for every parameter.
  variables = jax.tree.map(
    lambda x: rng.normal(scale=0.2, size=x.shape).astype(x.dtype), shapes
  )
  variables["batch_stats"] = jax.tree.map(np.abs, variables["batch_stats"])
  return lambda pixels: network.apply(variables, (pixels - 127.0) / 128.0)


@pytest.fixture(scope="module", params=ENGINES)
def forward_batch(request, forward):
  return inference.compile_forward(
    forward, item_shape=(16, 16, 3), batch_size=6, engine=request.param
  )


@pytest.fixture
def images():
  rng = np.random.default_rng(0)
  return rng.integers(0, 256, (6, 16, 16, 3), np.uint8)


@pytest.mark.multidevice
def test_every_engine_computes_the_network(forward, forward_batch, images):
  # 6 images do not divide over the 8 devices that jit shards them over.
  result = forward_batch(images)
  assert result.dtype == np.float32
  expected = jax.jit(forward)(images.astype(np.float32))
  # Float32 sums of up to 200 terms in another order.
  np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_short_batches_equal_rows_of_the_full_one(forward_batch, images):
  full = forward_batch(images)
  for size in range(1, 6):
    np.testing.assert_array_equal(forward_batch(images[:size]), full[:size])


def test_the_type_of_the_pixels_changes_nothing(forward_batch, images):
  as_float = images.astype(np.float64)[:, :, ::-1]
  for same in (as_float, jnp.asarray(images[:, :, ::-1])):
    np.testing.assert_array_equal(
      forward_batch(same), forward_batch(images[:, :, ::-1])
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_forward_is_traced_once(engine, images):
  shapes = []

  def forward(pixels):
    shapes.append(pixels.shape)
    return pixels.mean(axis=(1, 2))

  forward_batch = inference.compile_forward(
    forward, item_shape=(16, 16, 3), batch_size=4, engine=engine
  )
  for size in (4, 2, 1):
    forward_batch(images[:size])
  assert len(shapes) == 1


def test_auto_is_onnx_on_cpu(monkeypatch, forward):
  chosen = []
  for engine in ENGINES:
    monkeypatch.setitem(
      inference._ENGINES, engine, lambda *_, name=engine: chosen.append(name)
    )
  inference.compile_forward(forward, item_shape=(16, 16, 3), batch_size=6)
  monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
  inference.compile_forward(forward, item_shape=(16, 16, 3), batch_size=6)
  assert chosen == ["onnx", "jit"]


@pytest.mark.parametrize(
  "shape", [(7, 16, 16, 3), (0, 16, 16, 3), (2, 8, 8, 3)]
)
def test_refuses_other_shapes(forward_batch, shape):
  with pytest.raises(ValueError, match="compiled for 1 to 6 items of shape"):
    forward_batch(np.zeros(shape, np.uint8))


def test_refuses_an_unknown_engine(forward):
  with pytest.raises(ValueError, match="'tpu': choose auto, onnx or jit"):
    inference.compile_forward(
      forward, item_shape=(16, 16, 3), batch_size=6, engine="tpu"
    )


def test_export_prints_nothing_and_imports_only_what_it_needs():
  """Runs in a new process, without earlier imports or configuration."""
  program = """
import sys
from dsth_jax.models import inference
heavy = {"jax2onnx", "onnxruntime", "torch", "tensorflow"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
forward = lambda x: x.max(axis=(1, 2))
inference.compile_forward(forward, item_shape=(4, 4, 3), batch_size=1, engine="onnx")
# These compile networks while they are imported, which takes ten seconds.
slow = [name for name in sys.modules if name.startswith("jax2onnx.plugins.eq")]
assert not slow, slow
"""
  run = subprocess.run(
    [sys.executable, "-c", program], capture_output=True, text=True
  )
  assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
