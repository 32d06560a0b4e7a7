#!/usr/bin/env bash
# kill_resume.sh [ROUNDS [SEED]]: `run` with fake stages under mpirun: a worker, the coordinator, mpirun or everything is
# killed at random moments, the same command runs again with another number of workers, until the sweep is done. The table
# must be that of an undisturbed run, byte for byte; no committed row may ever change.
set -euo pipefail
rounds=${1:-4}
RANDOM=${2:-20240607}
fake=$FAIRSWEEP_BINARY_DIR/tests/fake_run
export FAIRSWEEP_WORKER_SILENCE_S=2 FAIRSWEEP_COORDINATOR_SILENCE_S=4 FAIRSWEEP_BEAT_S=0.2 FAIRSWEEP_START_S=10
die() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

printf 'baselines 3\ncompressions 4\nstage_ms 60\n' >job
"$fake" run job --store calm.h5 --workers 0 -q
"$fake" dump calm.h5 >calm.txt
grep -qv ' done ' calm.txt && die "the undisturbed run is not done"

# processes STORE [RANK]: of this test's program that work on the store; with RANK only that rank of mpirun.
processes() {
    local pid
    for pid in $(pgrep -f -- "--store $1( |\$)"); do
        [ "$(readlink "/proc/$pid/cwd")" = "$PWD" ] || continue
        if [ $# -eq 1 ] || tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$2"; then echo "$pid"; fi
    done
}
kill_them() { [ $# -eq 0 ] || kill -9 "$@" 2>/dev/null || true; }
mpirun_of() { local pid; for pid in $(processes "$1"); do [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = mpirun ] && echo "$pid"; done || true; }

done_rows() { "$fake" dump "$1" 2>/dev/null | grep ' done ' || true; }

one_round() {  # one_round VICTIM STORE: runs, kills once, returns the exit code of the run
    local victim=$1 store=$2 workers=$((1 + RANDOM % 3)) status=0 running
    setsid "$fake" run job --store "$store" --workers "$workers" -q 2>>"$store.log" &
    running=$!
    sleep "0.$((RANDOM % 9))"
    [ $((RANDOM % 2)) -eq 0 ] || sleep 0.5
    case $victim in
        worker) kill_them $(processes "$store" $((1 + RANDOM % workers))) ;;
        coordinator) kill_them $(processes "$store" 0) ;;
        mpirun) kill_them $(mpirun_of "$store") ;;
        everything) for _ in 1 2 3; do kill_them $(processes "$store"); done ;;
        stop) kill -TERM "$running" 2>/dev/null || true ;;
    esac
    wait "$running" || status=$?
    case "$victim:$status" in
        *:0 | worker:4 | coordinator:4 | mpirun:4 | everything:137 | stop:75 | stop:143) ;;
        *) tail -20 "$store.log" >&2; die "$victim killed: exit $status" ;;
    esac
    return "$status"
}

for victim in worker coordinator mpirun everything stop; do
    store=$victim.h5
    kills=0
    : >before.txt
    for _ in $(seq "$rounds"); do
        kills=$((kills + 1))
        one_round "$victim" "$store" && break
        # What was committed is still there, and the same.
        done_rows "$store" >after.txt
        [ -z "$(comm -23 <(sort before.txt) <(sort after.txt))" ] || die "$victim: a committed row is lost or changed"
        mv after.txt before.txt
        for _ in $(seq 100); do [ -z "$(processes "$store")" ] && break; sleep 0.1; done
        [ -z "$(processes "$store")" ] || die "$victim: ranks live on after their run has ended"
    done
    "$fake" run job --store "$store" --workers 2 -q 2>>"$store.log" || { tail -20 "$store.log" >&2; die "$victim: the last run did not finish"; }
    "$fake" dump "$store" >"$victim.txt"
    cmp calm.txt "$victim.txt" || die "$victim: another table than undisturbed"
    echo "$victim: same table after $kills killed runs"
done
