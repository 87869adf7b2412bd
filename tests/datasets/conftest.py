"""Where the tests of datasets put images and prepared sets."""

import pytest


@pytest.fixture
def root(tmp_path):
  path = tmp_path / "photos"
  path.mkdir()
  return path


@pytest.fixture
def store(tmp_path):
  return tmp_path / "prepared"
