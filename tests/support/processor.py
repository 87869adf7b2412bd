"""What this processor can do."""

import pytest

from dsth_jax.graph.exact import quantize

# Elsewhere the products of bytes may be wrong, and bounds are not taken.
multiplies_bytes = pytest.mark.skipif(
  not quantize.is_fast(), reason="this processor has no products of bytes"
)
