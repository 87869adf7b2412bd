"""What this processor can do."""

import pytest

from dsth_jax.graph import rounded

# Elsewhere the products of bytes may be wrong, and bounds are not taken.
multiplies_bytes = pytest.mark.skipif(
  not rounded.is_fast(), reason="this processor has no products of bytes"
)
