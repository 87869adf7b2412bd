"""Runs every benchmark, each in a separate process, as one Markdown page.

pip install -e ".[bench]"
python -m benchmarks > performance.md
"""

import argparse
import subprocess
import sys

_GROWTH = "10000,20000,50000,100000,200000"
STAGES = {
  "Graph": ("graph", f"--growth={_GROWTH}"),
  "Eigenproblem": ("eigenproblem", f"--growth={_GROWTH}"),
  "Training": ("training",),
  "Encoding": ("encoding",),
  "Hamming search": ("hamming",),
  "Evaluation": ("evaluation",),
  "A million points": ("million",),
}


def main() -> None:
  """Prints a section per stage; fails if one of them fails."""
  modules = ", ".join(module for module, *_ in STAGES.values())
  argparse.ArgumentParser(
    prog="python -m benchmarks",
    description=f"Runs {modules}, and prints Markdown. Options are those of "
    "each one: python -m benchmarks.graph --help.",
  ).parse_args()
  failed = []
  for title, (module, *options) in STAGES.items():
    call = [sys.executable, "-m", f"benchmarks.{module}", *options]
    print(f"## {title}\n\n`python -m {' '.join(call[2:])}`\n", flush=True)
    if subprocess.run(call, check=False).returncode:
      failed.append(module)
    print(flush=True)
  if failed:
    sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
  main()
