"""Eight virtual CPU devices, shape checks and strict rank promotion."""

import os
import tempfile

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["XLA_FLAGS"] = (
  os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
)

from jaxtyping import install_import_hook

install_import_hook("dsth_jax", "beartype.beartype").__enter__()

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_configure(config):
  """Shares what is compiled, also with the commands that tests start."""
  compiled = tempfile.TemporaryDirectory()
  config.add_cleanup(compiled.cleanup)
  settings = {
    "jax_compilation_cache_dir": compiled.name,
    "jax_persistent_cache_min_compile_time_secs": 0.2,
  }
  for name, value in settings.items():
    jax.config.update(name, value)
    os.environ[name.upper()] = str(value)


@pytest.fixture
def key():
  return jax.random.key(0)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
  """Where the digits are prepared, once for all tests."""
  return tmp_path_factory.mktemp("data")


@pytest.fixture
def undrawn(monkeypatch):
  """Leaves out the drawing where only text and figures are tested."""
  from matplotlib.figure import Figure

  from dsth_jax.report import panels, pictures, plots

  for name in ("precision_recall", "precision_of_returned", "training_loss"):
    monkeypatch.setattr(plots, name, lambda *_: Figure())
  monkeypatch.setattr(panels, "finish", lambda drawn, *_: drawn.figure)
  for name in ("png", "pdf"):
    monkeypatch.setattr(panels, name, lambda _: b"")
  monkeypatch.setattr(pictures, "sheet_png", lambda _: b"")
