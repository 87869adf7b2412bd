import pytest
from support import comparison_results, run_results

from dsth_jax import baselines
from dsth_jax.baselines import lsh


@pytest.fixture
def results():
  return run_results.results()


@pytest.fixture
def sheet():
  return run_results.sheet()


@pytest.fixture
def compared(monkeypatch):
  """Results of a comparison, in which "taught" learns from class labels."""
  taught = baselines.Baseline(lsh.fit, supervised=True)
  monkeypatch.setitem(baselines.BASELINES, "taught", taught)
  return comparison_results.results()
