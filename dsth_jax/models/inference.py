"""The engine that runs a network forward: onnxruntime or jax.jit.

Flax is the one definition of every network. On a CPU its ONNX export runs
several times faster than XLA's convolutions; on GPU and TPU jit is the engine.

>>> import jax.numpy as jnp
>>> import numpy as np
>>> brightness = compile_forward(
...   lambda pixels: jnp.mean(pixels, axis=(1, 2)), image_size=2, batch_size=4
... )
>>> brightness(np.full((3, 2, 2, 3), 255, np.uint8))
array([[255., 255., 255.],
       [255., 255., 255.],
       [255., 255., 255.]], dtype=float32)
"""

import logging
import pathlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

Forward = Callable[[Array], Array]
ForwardBatch = Callable[[np.ndarray], np.ndarray]


def compile_forward(
  forward: Forward,
  *,
  image_size: int,
  batch_size: int,
  engine: str = "auto",
) -> ForwardBatch:
  """Compiles a pure function of pixels for batches of one size.

  The last, shorter batch is padded, so that there is one compilation and an
  image's result depends on nothing but the image.

  Args:
    forward: maps float32 pixels of 0 to 255, [n image_size image_size 3], to
      [n d]; the scaling that a network expects belongs in it.
    image_size: height and width.
    batch_size: images in a full batch.
    engine: "onnx" exports `forward` and runs it in onnxruntime on all cores;
      "jit" compiles it for JAX's devices and shards every batch over them;
      "auto" is "onnx" where JAX has nothing better than a CPU.

  Returns:
    A function of at most `batch_size` images, uint8 or float of 0 to 255, to
    float32 [n d], NumPy to NumPy. Prefer uint8: it is a quarter of the bytes.

  Raises:
    ValueError: an unknown engine; in the function returned, images of another
      shape or too many of them.
  """
  if engine not in ("auto", *_ENGINES):
    raise ValueError(
      f"engine is {engine!r}: choose one of 'auto', {str([*_ENGINES])[1:-1]}."
    )
  if engine == "auto":
    engine = "onnx" if jax.default_backend() == "cpu" else "jit"
  shape = (batch_size, image_size, image_size, 3)
  run = _ENGINES[engine](forward, shape)

  def forward_batch(images: np.ndarray) -> np.ndarray:
    if images.shape[1:] != shape[1:] or not 0 < len(images) <= batch_size:
      raise ValueError(
        f"received images of shape {images.shape}, compiled for 1 to "
        f"{batch_size} of shape {shape[1:]}: resize them or compile anew."
      )
    missing = batch_size - len(images)
    padded = np.pad(images, [(0, missing), (0, 0), (0, 0), (0, 0)])
    return run(padded)[: len(images)]

  return forward_batch


def _jit_engine(
  forward: Forward, shape: tuple[int, int, int, int]
) -> ForwardBatch:
  compiled = jax.jit(lambda images: forward(images.astype(jnp.float32)))
  return lambda images: np.asarray(compiled(images), np.float32)


def _onnx_engine(
  forward: Forward, shape: tuple[int, int, int, int]
) -> ForwardBatch:
  # Importing onnxruntime takes a moment that an accelerator need not spend.
  import onnxruntime

  options = onnxruntime.SessionOptions()
  options.log_severity_level = 3  # Errors alone.
  # A thread that spins for work takes the core from the decoding threads.
  options.add_session_config_entry("session.intra_op.allow_spinning", "0")
  session = onnxruntime.InferenceSession(
    export_onnx(forward, shape), options, providers=["CPUExecutionProvider"]
  )
  (name,) = (node.name for node in session.get_inputs())

  def run(images: np.ndarray) -> np.ndarray:
    (features,) = session.run(None, {name: images.astype(np.float32)})
    return features

  return run


_ENGINES = {"onnx": _onnx_engine, "jit": _jit_engine}


def export_onnx(forward: Forward, shape: tuple[int, int, int, int]) -> bytes:
  """Returns a function of float32 pixels of one shape as an ONNX model.

  Pooling has to be called with keyword arguments, and padding of a pool has to
  be a jnp.pad before it: jax2onnx overlooks the rest.
  """
  with _quiet_jax2onnx() as jax2onnx:
    model = jax2onnx.to_onnx(
      forward, [jax.ShapeDtypeStruct(shape, jnp.float32)]
    )
  # Shapes of inner values, left in NHWC order when jax2onnx moves transposes:
  # onnxruntime complains of each, and infers them itself.
  del model.graph.value_info[:]
  return model.SerializeToString()


@contextmanager
def _quiet_jax2onnx() -> Iterator:
  """Imports jax2onnx with the plugins of JAX and Flax alone."""
  import jax2onnx
  from jax2onnx.plugins import plugin_system

  # to_onnx imports every plugin, and those of Equinox and the examples compile
  # networks as they are imported: 12 s on two cores, against 1 s for ours. If
  # a later version renames these internals only the time is lost.
  import_tree = getattr(plugin_system, "_import_tree", None)
  if import_tree and not getattr(
    plugin_system, "_already_imported_plugins", True
  ):
    folder = pathlib.Path(plugin_system.__file__).parent
    for tree in ("jax", "flax"):
      import_tree(folder / tree, f"jax2onnx.plugins.{tree}")
    plugin_system._already_imported_plugins = True

  logger = logging.getLogger("jax2onnx")
  level = logger.level
  logger.setLevel(logging.ERROR)
  try:
    yield jax2onnx
  finally:
    logger.setLevel(level)
