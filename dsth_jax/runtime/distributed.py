"""One run on many processes: JAX's runtime, and what the stages ask of it.

With one process every function here is a no-op, so that a stage is written
once. The processes share the working directory: one of them, the leader,
writes, and all of them read.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jaxtyping import Int, Shaped

from dsth_jax.runtime import stopping

# All processes meet within the first, by default; one that says nothing for the
# second is lost.
START_SECONDS = 45
HEARTBEAT_SECONDS = 30


def initialize(
  *,
  coordinator_address: str | None = None,
  num_processes: int | None = None,
  process_id: int | None = None,
  start_seconds: int = START_SECONDS,
  give_up: Callable[[str], None],
) -> None:
  """Makes this process one of many; call it before anything else of JAX.

  A process that is killed ends the others: at once where they wait for it, and
  after `HEARTBEAT_SECONDS` in any case.

  Args:
    coordinator_address: "host:port" of process 0. None asks the cluster: JAX
      finds SLURM, Open MPI, Kubernetes and Cloud TPU by itself.
    num_processes: of the whole run; None as above.
    process_id: of this one, from 0; None as above.
    start_seconds: all processes have to be there by then.
    give_up: is told why not, in a thread of its own: nothing ends the wait of
      the main one, so that it has to end the process.

  Raises:
    ValueError: there is no such cluster, or the numbers do not fit.
  """
  place = coordinator_address or "the coordinator that the cluster names"
  with _deadline(
    start_seconds,
    f"not all processes met at {place} within {start_seconds} s: start all of "
    "them at once, and check that --coordinator_address is process 0's and "
    "can be reached, and that --num_processes is how many were started",
    give_up,
  ):
    try:
      jax.distributed.initialize(
        coordinator_address,
        num_processes,
        process_id,
        # Ours is there first, in one sentence.
        initialization_timeout=2 * start_seconds,
        heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
        shutdown_timeout_seconds=HEARTBEAT_SECONDS,
      )
    except (ValueError, RuntimeError) as error:
      raise ValueError(
        f"--multihost could not start ({error}): run inside SLURM, Kubernetes "
        "or on a TPU, or pass --coordinator_address, --num_processes and "
        "--process_id."
      ) from error
  # JAX's own handler of SIGTERM lets the run go on. Orbax needs its service.
  stopping.handle_signals()


def shutdown() -> None:
  """Leaves the other processes, once all are through; none is needed later.

  Raises:
    RuntimeError: one of them was lost.
  """
  jax.distributed.shutdown()


def num_processes() -> int:
  """Returns the number of processes of the run."""
  return jax.process_count()


def is_leader() -> bool:
  """Tells whether this process is the one that writes."""
  return jax.process_index() == 0


def wait_for_all(name: str) -> None:
  """Waits until every process is here."""
  if jax.process_count() > 1:
    multihost_utils.sync_global_devices(name)


@contextlib.contextmanager
def leader_first() -> Iterator[None]:
  """Lets the others in once the leader is through."""
  if not is_leader():
    wait_for_all("leader_first")
  yield
  if is_leader():
    wait_for_all("leader_first")


def of_leader(value: int) -> int:
  """Returns the leader's value on every process."""
  if jax.process_count() == 1:
    return value
  return int(multihost_utils.broadcast_one_to_all(np.int32(value)))


def of_all(rows: Shaped[np.ndarray, "n *c"]) -> Shaped[np.ndarray, "all *c"]:
  """Returns the rows of every process, in their order, on every process.

  All processes pass equally many.
  """
  if jax.process_count() == 1:
    return rows
  return np.asarray(multihost_utils.process_allgather(rows, tiled=True))


def divided(work: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
  """Does each piece of work on one process; returns all results on each.

  Args:
    work: what makes each result, which JSON can hold, by its name.
  """
  count, index = jax.process_count(), jax.process_index()
  own = {name: work[name]() for name in list(work)[index::count]}
  if count == 1:
    return own
  done: dict[str, Any] = {}
  for part in _texts_of_all(json.dumps(own)):
    done |= json.loads(part)
  return {name: done[name] for name in work}


def _texts_of_all(text: str) -> list[str]:
  """Returns the text of every process."""
  own = np.frombuffer(text.encode(), np.uint8)
  lengths = of_all(np.array([len(own)], np.int32))
  padded = np.pad(own, (0, int(lengths.max()) - len(own)))
  every = of_all(padded[None])
  return [
    line[:length].tobytes().decode() for line, length in zip(every, lengths)
  ]


def own_rows(
  num_rows: int, *, batch_size: int, start: int = 0
) -> Int[np.ndarray, "n"]:
  """Returns the rows of this process's batches: one in `process_count`.

  The batches are those that a single process would have, so that a row meets
  the same others whatever the number of processes.
  """
  rows = np.arange(start, num_rows)
  batch = np.arange(len(rows)) // batch_size
  return rows[batch % jax.process_count() == jax.process_index()]


def in_order(
  batches: Iterator[Shaped[np.ndarray, "_ *c"]],
  *,
  num_rows: int,
  batch_size: int,
  like: Shaped[np.ndarray, "*c"],
  start: int = 0,
) -> Iterator[Shaped[np.ndarray, "_ *c"]]:
  """Yields what all processes made of their rows, in order, on each of them.

  Args:
    batches: of `own_rows`, in order.
    num_rows: of all processes.
    batch_size: as for `own_rows`.
    like: a row, for shape and type: a process may have none.
    start: as for `own_rows`.
  """
  if jax.process_count() == 1:
    yield from batches
    return
  size = batch_size * jax.process_count()
  for first in range(start, num_rows, size):
    own = next(batches, np.zeros((0, *like.shape), like.dtype))
    missing = [(0, batch_size - len(own))] + [(0, 0)] * like.ndim
    # Only the last batch of all is short, and what follows it is padding.
    yield of_all(np.pad(own, missing))[: num_rows - first]


def refuse_disagreement(what: str, value: str) -> None:
  """Refuses processes that were not started alike.

  Raises:
    ValueError: on every process, if one has another value.
  """
  digest = hashlib.sha256(value.encode()).digest()[:4]
  values = of_all(np.frombuffer(digest, np.int32))
  others = np.flatnonzero(values != values[0])
  if len(others):
    raise ValueError(
      f"process {others[0]} was started with other {what} than process 0: "
      "start all processes with the same command."
    )


def is_lost_process(error: BaseException) -> bool:
  """Tells whether an error is that of a collective that lost a process.

  What JAX's runtime reports, of Gloo, NCCL and the coordination service too,
  begins with a status, whatever its type in Python is. The statuses that are
  left out are those that a process can bring about on its own.
  """
  status = str(error).partition(":")[0]
  return jax.process_count() > 1 and status in _STATUSES_OF_LOSS


_STATUSES_OF_LOSS = (
  *("ABORTED", "CANCELLED", "DATA_LOSS", "DEADLINE_EXCEEDED"),
  *("FAILED_PRECONDITION", "INTERNAL", "UNAVAILABLE", "UNKNOWN"),
)


@contextlib.contextmanager
def _deadline(
  seconds: float, sentence: str, give_up: Callable[[str], None]
) -> Iterator[None]:
  """Gives up unless the work inside is done in time."""
  timer = threading.Timer(seconds, give_up, (sentence,))
  timer.daemon = True
  timer.start()
  try:
    yield
  finally:
    timer.cancel()
