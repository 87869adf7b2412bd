"""What C++ prints before it aborts becomes a sentence."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from dsth_jax.runtime import native_errors

SOURCE = pathlib.Path(native_errors.__file__)
PAGE = (
  b"E1128 10:36:41.436534   28849 coordination_service_agent.cc:289] Polled an"
  b" error from coordination service\n    @     0x7f155baee709  absl::Invoker\n"
)


def _run(lines):
  """Runs a program that has loaded only this module, as JAX takes seconds."""
  program = "\n".join(
    [
      "import faulthandler, importlib.util, os, sys, time",
      "faulthandler.enable()",
      f"spec = importlib.util.spec_from_file_location('n', {str(SOURCE)!r})",
      "native = importlib.util.module_from_spec(spec)",
      "spec.loader.exec_module(native)",
      "def give_up():",
      "  print('dsth_jax: lost', file=sys.stderr, flush=True)",
      "  native.flush()",
      "  os._exit(1)",
      "native.end_in_a_sentence(give_up)",
      *lines,
    ]
  )
  start = time.monotonic()
  result = subprocess.run(
    [sys.executable, "-c", program],
    capture_output=True,
    timeout=60,
    check=False,
  )
  return result.returncode, result.stderr, time.monotonic() - start


def test_an_abort_after_a_loss_is_one_sentence():
  status, said, _ = _run(
    [
      "print('I1128 a line of ours', file=sys.stderr, flush=True)",
      f"os.write(2, {PAGE!r})",
      "os.abort()",
    ]
  )
  assert status == 1
  assert said == b"I1128 a line of ours\ndsth_jax: lost\n"


def test_any_other_abort_is_shown_and_ends_as_one():
  status, said, _ = _run(["os.write(2, b'out of cheese')", "os.abort()"])
  assert status == -signal.SIGABRT
  assert said == b"out of cheese"


@pytest.mark.parametrize(
  "end", ["", "sys.exit(0)", "native.flush(); os._exit(0)"]
)
def test_what_is_printed_before_an_ordinary_end_is_shown(end):
  status, said, _ = _run(["print('a word', file=sys.stderr)", end])
  assert (status, said) == (0, b"a word\n")


def test_a_report_is_left_out_and_our_sentences_stay():
  ours = b"dsth_jax: another process of this run was lost.\n"
  log = b"I1128 11:07:14.337562 140662312921984 workdir.py:159] labels: ...\n"
  assert native_errors.without_report(log + PAGE + ours) == log + ours
  assert native_errors.without_report(log) == log


def test_a_long_page_does_not_block_what_prints_it():
  status, said, seconds = _run(
    [
      "for _ in range(300): os.write(2, b'x' * 999 + b'\\n')",
      "native.flush()",
      "os._exit(0)",
    ]
  )
  assert (status, len(said)) == (0, 300_000)
  assert seconds < 30
  assert os.path.exists(SOURCE)
