#!/usr/bin/env bash
# On every host of a TPU VM: launch/tpu_vm.sh --config=... --workdir=...
set -euo pipefail

: "${TPU:?the name of the TPU VM}"
: "${ZONE:?the zone it is in}"
: "${IMAGE:?the image that launch/Dockerfile makes for TPUs}"
: "${SHARED:?where all hosts mount the shared file system; /shared inside}"
restarts=10

# A container left from a lost connection would hold the TPU.
remote="sudo docker rm --force dsth_jax > /dev/null 2>&1 || true; \
sudo docker run --name=dsth_jax --privileged --net=host \
$(printf '%q ' --volume="$SHARED:/shared" --env=TFDS_DATA_DIR=/shared/data \
  "$IMAGE" --multihost "$@")"

until gcloud compute tpus tpu-vm ssh "$TPU" --zone="$ZONE" --worker=all \
  --command="$remote"; do
  ((restarts-- > 0)) || exit 1
done
