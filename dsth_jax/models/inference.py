"""The engine that runs a network forward: onnxruntime or jax.jit.

Flax is the one definition of every network. On a CPU its ONNX export runs
several times faster than XLA's convolutions; on GPU and TPU jit is the engine.

>>> import jax.numpy as jnp
>>> import numpy as np
>>> brightness = compile_forward(
...   lambda pixels: jnp.mean(pixels, axis=(1, 2)),
...   item_shape=(2, 2, 3),
...   batch_size=4,
... )
>>> brightness(np.full((3, 2, 2, 3), 255, np.uint8))
array([[255., 255., 255.],
       [255., 255., 255.],
       [255., 255., 255.]], dtype=float32)
"""

import contextlib
import logging
import pathlib
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from dsth_jax.runtime import sharding
from dsth_jax.types import ArrayLike

Forward = Callable[[Array], Array]
ForwardBatch = Callable[[ArrayLike], np.ndarray]
_Run = Callable[[np.ndarray], np.ndarray]


def compile_forward(
  forward: Forward,
  *,
  item_shape: tuple[int, ...],
  batch_size: int,
  engine: str = "auto",
) -> ForwardBatch:
  """Compiles a pure function of images or features for batches of one size.

  A shorter batch, the last as a rule, is padded: there is one compilation.

  Args:
    forward: maps float32 [n *item_shape], such as pixels of 0 to 255, to [n d];
      the scaling that a network expects belongs in it.
    item_shape: of one item: (s, s, 3) for images, (d,) for features.
    batch_size: items in a full batch.
    engine: "onnx" exports `forward` and runs it in onnxruntime on all cores;
      "jit" compiles it for JAX's devices and shards every batch over them;
      "auto" is "onnx" where JAX has nothing better than a CPU.

  Returns:
    A function of at most `batch_size` items, uint8 or float, to float32 [n d]
    in NumPy. Prefer uint8 for images, a quarter of the bytes.

  Raises:
    ValueError: an unknown engine; in the function returned, items of another
      shape or too many of them.
  """
  if engine not in ("auto", *_ENGINES):
    raise ValueError(f"engine is {engine!r}: choose auto, onnx or jit.")
  if engine == "auto":
    engine = "onnx" if jax.default_backend() == "cpu" else "jit"
  shape = (batch_size, *item_shape)
  run = _ENGINES[engine](forward, shape)

  def forward_batch(items: ArrayLike) -> np.ndarray:
    rows = np.asarray(items)
    if rows.shape[1:] != item_shape or not 1 <= len(rows) <= batch_size:
      raise ValueError(
        f"received a batch of shape {rows.shape}, but this was compiled for 1 "
        f"to {batch_size} items of shape {item_shape}: resize them, or compile "
        "for this shape."
      )
    return run(rows)[: len(rows)]

  return forward_batch


def _jit_engine(forward: Forward, shape: tuple[int, ...]) -> _Run:
  mesh = sharding.make_mesh()
  rows = sharding.shard_rows(mesh)
  num_rows = -(-shape[0] // mesh.size) * mesh.size
  # As arguments, not as constants of the program: XLA would fold large weights
  # at length (AlexNet compiles in 2 s in place of 15 s).
  traced = jax.make_jaxpr(forward)(
    jax.ShapeDtypeStruct((num_rows, *shape[1:]), jnp.float32)
  )
  replicated = sharding.replicate(mesh)
  weights = sharding.place_whole(mesh, [np.asarray(x) for x in traced.consts])

  def evaluate(weights: list[Array], images: Array) -> Array:
    # uint8 travels to the devices as it is and is cast there.
    pixels = images.astype(jnp.float32)
    (features,) = jax.core.eval_jaxpr(traced.jaxpr, weights, pixels)
    return features

  compiled = jax.jit(
    evaluate, in_shardings=(replicated, rows), out_shardings=replicated
  )
  return lambda images: np.asarray(
    compiled(weights, jax.device_put(_pad_rows(images, num_rows), rows)),
    np.float32,
  )


def _onnx_engine(forward: Forward, shape: tuple[int, ...]) -> _Run:
  # Neither this import nor that of jax2onnx is owed by those who use jit.
  import onnxruntime

  options = onnxruntime.SessionOptions()
  options.log_severity_level = 3  # Only errors.
  # A thread that spins for work takes the core from those that decode images.
  options.add_session_config_entry("session.intra_op.allow_spinning", "0")
  session = onnxruntime.InferenceSession(
    export_onnx(forward, shape), options, providers=["CPUExecutionProvider"]
  )
  (pixels,) = session.get_inputs()

  def run(images: np.ndarray) -> np.ndarray:
    padded = _pad_rows(images, shape[0]).astype(np.float32)
    (features,) = session.run(None, {pixels.name: padded})
    return features

  return run


_ENGINES = {"onnx": _onnx_engine, "jit": _jit_engine}


def _pad_rows(images: np.ndarray, num_rows: int) -> np.ndarray:
  missing = num_rows - len(images)
  return np.pad(images, [(0, missing)] + [(0, 0)] * (images.ndim - 1))


def export_onnx(forward: Forward, shape: tuple[int, ...]) -> bytes:
  """Returns a function of float32 pixels of one shape as an ONNX model.

  jax2onnx asks for pools that are called with keyword arguments, and for
  padding by a jnp.pad before a pool without any.
  """
  import jax2onnx

  quiet = _only_errors(logging.getLogger("jax2onnx"))
  # jax2onnx broadcasts as NumPy does in the stand-ins that it traces.
  with quiet, jax.numpy_rank_promotion("allow"):
    _import_plugins()
    model = jax2onnx.to_onnx(
      forward, [jax.ShapeDtypeStruct(shape, jnp.float32)]
    )
  # jax2onnx moves transposes and leaves the old shapes of the values between
  # them behind: onnxruntime warns of each. It infers the shapes itself.
  del model.graph.value_info[:]
  return model.SerializeToString()


def _import_plugins() -> None:
  """Imports those plugins of jax2onnx that a Flax network can need.

  Left to itself, to_onnx imports all, and the ones for Equinox compile
  networks while they are imported: 11 s on two cores, against 1 s. Should a
  later version have other internals, then only the time is lost.
  """
  from jax2onnx.plugins import plugin_system

  if getattr(plugin_system, "_already_imported_plugins", True):
    return
  import_tree = getattr(plugin_system, "_import_tree", None)
  if import_tree is None:
    return
  folder = pathlib.Path(plugin_system.__file__).parent
  for tree in ("jax", "flax"):
    import_tree(folder / tree, f"jax2onnx.plugins.{tree}")
  plugin_system._already_imported_plugins = True


@contextlib.contextmanager
def _only_errors(logger: logging.Logger) -> Iterator[None]:
  level = logger.level
  logger.setLevel(logging.ERROR)
  try:
    yield
  finally:
    logger.setLevel(level)
