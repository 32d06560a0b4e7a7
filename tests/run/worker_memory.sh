#!/usr/bin/env bash
# A worker's memory does not depend on the plan: the ranks of a sweep of 10 points and of one of 100,000, while they run.
# Rank 0 holds the plan and must grow, which shows that the measure sees it.
set -euo pipefail
fake=$FAIRSWEEP_BINARY_DIR/tests/fake_run
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
die() { cat log.txt >&2; printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# Prints "rank0_kib worker_kib" of a run whose worker has begun a stage.
memory_of() {
    local store=$1.h5 pid
    printf 'baselines 1\ncompressions %s\nstage_ms 60000\npairs 2\n' "$1" >"job$1"
    "$fake" run "job$1" --store "$store" --workers 1 >log.txt 2>&1 &
    local run=$! kib=()
    for _ in $(seq 1200); do
        if grep -q '"state": "running"' "$store.live.json" 2>/dev/null && grep -q '"fraction"' "$store.live.json"; then break; fi
        kill -0 $run 2>/dev/null || die "the run of $1 has ended"
        sleep 0.1
    done
    for rank in 0 1; do
        pid=$("$FAIRSWEEP_PYTHON" -c '
import json, sys
live = json.load(open(sys.argv[1]))
print(live["pid"] if sys.argv[2] == "0" else live["workers"][0]["pid"])' "$store.live.json" $rank)
        kib+=("$(awk '/^VmRSS/ {print $2}' "/proc/$pid/status")")
    done
    kill -INT $run
    wait $run || [ $? -eq 75 ] || die "the run of $1 did not stop as it should"
    echo "${kib[@]}"
}

read -r small_rank0 small_worker < <(memory_of 10)
read -r large_rank0 large_worker < <(memory_of 100000)
echo "rank 0: $small_rank0 KiB with 10 points, $large_rank0 KiB with 100,000; worker: $small_worker KiB, $large_worker KiB"
[ $((large_rank0 - small_rank0)) -gt 50000 ] || die "rank 0 holds no plan of 100,000 points?"
# The allocator's grain and the pages that MPI touches differ from run to run by about 1 MiB; the plan has more than 100.
[ $((large_worker - small_worker)) -lt 8000 ] || die "a worker's memory grows with the plan"
