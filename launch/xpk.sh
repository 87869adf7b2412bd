#!/usr/bin/env bash
# As a workload of xpk, on TPUs in GKE: launch/xpk.sh --config=... --workdir=...
set -euo pipefail

: "${CLUSTER:?the cluster that xpk made}"
: "${WORKLOAD:?a name for the workload}"
: "${TPU_TYPE:?the TPU to run on, as in v6e-16}"
: "${STORAGE:?the xpk storage that is mounted at /shared}"
: "${IMAGE:?the image that launch/Dockerfile makes for TPUs}"

# Processes that lose another one exit with 1, which xpk does not restart by
# default.
xpk workload create --cluster="$CLUSTER" --workload="$WORKLOAD" \
  --tpu-type="$TPU_TYPE" --docker-image="$IMAGE" --storage="$STORAGE" \
  --env="TFDS_DATA_DIR=/shared/data" \
  --max-restarts=10 --restart-on-exit-codes=1 \
  --command="python -m dsth_jax.main$(printf ' %q' --multihost "$@")"
