#!/usr/bin/env bash
# One task a GPU: sbatch launch/slurm.sh --config=... --workdir=...
#SBATCH --job-name=dsth_jax
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@60
set -euo pipefail

restarts=10

# The job keeps its number, and goes on from what is finished.
requeue() {
  scontrol requeue "$SLURM_JOB_ID"
  exit "$1"
}
# A minute before the time is up.
trap 'requeue 0' USR1

# JAX gives each task the GPU that has the task's number on the node. So every
# task has to see all of them: --gpus-per-task would hide all but one.
srun --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  --gpu-bind=none python -m dsth_jax.main --multihost "$@" &

# In the background: bash handles no signal before a command is done.
status=0
wait "$!" || status=$?
if ((status != 0 && ${SLURM_RESTART_COUNT:-0} < restarts)); then
  requeue "$status"
fi
exit "$status"
