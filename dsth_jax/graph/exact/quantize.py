"""Upper bounds of cosines from points quantized to eight bits, for CPUs.

Products of bytes are three to four times as fast as those of floats where the
processor has instructions for them. `bounds` selects candidates by them.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy.fft
from jaxtyping import Float, Float32, Int8, Int32, UInt8

# Quantized values are -127 to 127; onnxruntime multiplies unsigned by signed
# bytes, and subtracts this from the unsigned ones.
_LARGEST, _ZERO = 127, 128
# Products of more features could exceed 32 bits: with the errors beside them a
# product is at most 3 d 127^2.
MAX_FEATURES = 40_000
# Points that determine the step size.
_SAMPLE = 4096
# What float32 may add to the error of a cosine.
_SLACK = 4e-6


class QuantizedPoints(NamedTuple):
  """Points as bytes, with products that bound their cosines from above.

      step^2 sum_e (left_ie - 128) right_ej >= cos(x_i, x_j)

  Attributes:
    left: one row per point.
    right: one column per point.
  """

  left: UInt8[np.ndarray, "t e"]
  right: Int8[np.ndarray, "e t"]


def is_fast() -> bool:
  """Returns whether this processor multiplies bytes faster than floats (VNNI).

  Others may also saturate sums of two products at 16 bits, and so be wrong.
  """
  found = np.show_config(mode="dicts").get("SIMD Extensions", {})
  # NumPy's names for groups of instructions with these among them.
  groups = {"AVX512_CLX", "AVX512_ICL", "AVX512_SPR"}
  return not groups.isdisjoint(found.get("found", []))


def rotate(points: Float32[np.ndarray, "t d"]) -> Float32[np.ndarray, "t d"]:
  """Returns points in a rotated basis, the same for all: cosines do not change.

  In this basis no feature is much larger than the others, so that quantization
  loses least: signs drawn at random, then a cosine transform.
  """
  signs = np.random.default_rng(0).choice(
    np.array([-1, 1], np.float32), points.shape[1]
  )
  return scipy.fft.dct(points * signs, axis=1, norm="ortho", workers=-1)


def quantize_points(
  blocks: Float32[np.ndarray, "blocks t d"],
) -> tuple[list[QuantizedPoints], float]:
  """Quantizes points of length 1 (or 0) and appends their errors.

  With x = y + e, y the quantized x,

      x_i . x_j = y_i . y_j + e_i . x_j + y_i . e_j
               <= y_i . y_j + |e_i| + |e_j| + |e_i| |e_j|.

  Additional features, 127 on one side and the error on the other, add the
  errors to the product of two points and make it a bound.

  Returns:
    Each block quantized, and the cosine that is one unit of their products.
  """
  step = step_size(blocks)
  values, errors = zip(*(_quantize(rotate(block), step) for block in blocks))
  # |e_i| |e_j| is at most half of the largest error's share of |e_i| + |e_j|.
  factor = 1 + max(each.max(initial=0.0) for each in errors) / 2
  units = [
    np.ceil((factor * each + _SLACK / 2) / (step**2 * _LARGEST))
    for each in errors
  ]
  num_columns = math.ceil(
    max(each.max(initial=0.0) for each in units) / _LARGEST
  )
  quantized = [
    _append_errors(block, _as_bytes(block_units, num_columns))
    for block, block_units in zip(values, units)
  ]
  return quantized, step**2


def step_size(blocks: Float32[np.ndarray, "blocks t d"]) -> float:
  """Returns the quantization step, from a sample of the points.

  A point that exceeds the sample is clipped, and its error includes that.
  """
  points = blocks.reshape(-1, blocks.shape[2])
  sample = rotate(points[:: -(-len(points) // _SAMPLE)])
  # A point of length 1 has a feature of at least 1 / sqrt(d).
  least = points.shape[1] ** -0.5
  return float(np.abs(sample).max(initial=least)) / _LARGEST


def quantization_errors(
  points: Float32[np.ndarray, "n d"], step: float
) -> Float[np.ndarray, "n"]:
  """Returns the distance of each point from its quantized form."""
  return _quantize(rotate(points), step)[1]


class ByteProduct:
  """Multiplies bytes exactly, on one thread for each caller."""

  def __init__(self) -> None:
    # Slow imports, needed only here.
    import onnx
    import onnxruntime

    tensor, kinds = onnx.helper.make_tensor_value_info, onnx.TensorProto
    graph = onnx.helper.make_graph(
      [onnx.helper.make_node("MatMulInteger", ["a", "b", "zero"], ["c"])],
      "product",
      [
        tensor("a", kinds.UINT8, ["m", "e"]),
        tensor("b", kinds.INT8, ["e", "n"]),
      ],
      [tensor("c", kinds.INT32, ["m", "n"])],
      [onnx.helper.make_tensor("zero", kinds.UINT8, [], [_ZERO])],
    )
    model = onnx.helper.make_model(
      graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=9
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    self._session = onnxruntime.InferenceSession(
      model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

  def __call__(
    self,
    left: UInt8[np.ndarray, "m e"],
    right: Int8[np.ndarray, "e n"],
    out: Int32[np.ndarray, "m n"],
  ) -> None:
    """Writes the product to `out`, a contiguous array."""
    binding = self._session.io_binding()
    binding.bind_cpu_input("a", left)
    binding.bind_cpu_input("b", right)
    binding.bind_output(
      "c", "cpu", 0, np.int32, list(out.shape), out.ctypes.data
    )
    self._session.run_with_iobinding(binding)


def _quantize(
  block: Float32[np.ndarray, "t d"], step: float
) -> tuple[Int8[np.ndarray, "t d"], Float[np.ndarray, "t"]]:
  """Returns the points in steps, and the error of each."""
  values = np.rint(block / step).clip(-_LARGEST, _LARGEST)
  errors = np.linalg.norm(block - step * values, axis=1)
  return values.astype(np.int8), errors


def _as_bytes(
  numbers: Float[np.ndarray, "t"], num_columns: int
) -> Int8[np.ndarray, "t p"]:
  """Writes each number as a sum of bytes."""
  subtracted = _LARGEST * np.arange(num_columns)
  return np.clip(numbers[:, None] - subtracted, 0, _LARGEST).astype(np.int8)


def _append_errors(
  values: Int8[np.ndarray, "t d"], errors: Int8[np.ndarray, "t p"]
) -> QuantizedPoints:
  full = np.full_like(errors, _LARGEST)
  left = np.concatenate([values, full, errors], axis=1).astype(np.int16) + _ZERO
  right = np.concatenate([values, errors, full], axis=1)
  return QuantizedPoints(left.astype(np.uint8), np.ascontiguousarray(right.T))
