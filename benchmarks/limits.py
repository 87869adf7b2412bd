"""What this machine can do at most, measured: products and memory."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import timing


@functools.cache
def gemm_gflops() -> float:
  """Float32 GFLOP/s of the faster of NumPy's and XLA's matrix product."""
  side = 4096
  a = np.random.default_rng(0).standard_normal((side, side), np.float32)
  on_device, product = jnp.asarray(a), jax.jit(lambda x: x @ x)
  out = np.empty_like(a)
  found = timing.in_turn(
    {
      "numpy": lambda: np.matmul(a, a, out=out),
      "xla": lambda: product(on_device).block_until_ready(),
    },
    repeats=3,
  )
  return 2 * side**3 / 1e9 / min(times.lowest for times in found.values())


@functools.cache
def memory_gbytes() -> float:
  """GB/s of reading and writing arrays far larger than the cache."""
  x = jnp.zeros((1 << 26,), jnp.float32)
  add = jax.jit(lambda x: x + 1)
  found = timing.in_turn({"add": lambda: add(x).block_until_ready()}, repeats=5)
  return 2 * x.nbytes / 1e9 / found["add"].lowest


def describe() -> str:
  """One line for the head of a table."""
  return (
    f"Limits: {gemm_gflops():.0f} GFLOP/s (float32 products of "
    f"4,096 x 4,096), {memory_gbytes():.1f} GB/s (read and write), "
    f"{jax.device_count()} {jax.default_backend()} device(s)."
  )
