"""The paper's experiments: what it measured, and the same measured here.

The command is `python -m dsth_jax.paper`.
"""
