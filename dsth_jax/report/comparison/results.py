"""What the report of a comparison is made of."""

from typing import Any

# All that is known of a comparison, fit for JSON; see
# `dsth_jax.comparison.summary.summarize`.
Results = dict[str, Any]
