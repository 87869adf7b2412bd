"""Skips for processors."""

import pytest

from dsth_jax.graph.exact import quantize

# On other processors the products of bytes may be wrong and are not used.
multiplies_bytes = pytest.mark.skipif(
  not quantize.is_fast(), reason="this processor has no products of bytes"
)
