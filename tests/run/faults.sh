#!/usr/bin/env bash
# Faults that a run must come out of by itself, or tell as what they are: a stage that kills whoever runs it, ranks that are
# stopped, links that somebody planted, a file system without locks, a look at the store in the first seconds of a run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export FAIRSWEEP_WORKER_SILENCE_S=1 FAIRSWEEP_COORDINATOR_SILENCE_S=3 FAIRSWEEP_BEAT_S=0.2 FAIRSWEEP_END_S=2 FAIRSWEEP_START_S=30

printf 'baselines 2\ncompressions 2\nstage_ms 20\n' >job
"$fake" run job --store calm.h5 --workers 0 -q
"$fake" dump calm.h5 >calm.txt
cp job poison && echo 'poison baseline' >>poison

echo "== a stage that kills its workers ends as lost, after its budget over runs, whatever the number of workers"
poisoned() {  # poisoned WORKERS RUNS: that many runs end with 4, all else is done in the second at the latest, the last ends with 1
    local store=poison$1.h5 run
    for run in $(seq $(($2 - 1))); do
        expect 4 'all workers are lost, while running .*baseline fake, faces, seed 0 .*which has taken [1-3] workers? so far .*To go on: fairsweep run poison' \
            "$fake" run poison --store "$store" --workers "$1"
        [ "$run" -eq 1 ] || [ "$(count "$store" done)" -eq 8 ] || die "$store: the suspect went first again"
    done
    expect 1 'baseline fake, faces, seed 0 .*is lost: its worker died or fell silent 4 times.*--only failed,lost' \
        "$fake" run poison --store "$store" --workers "$1"
    [ "$(count "$store" done)" -eq 8 ] && [ "$(count "$store" lost)" -eq 1 ] || die "$store: not all else is done"
    expect 1 'nothing to do' "$fake" run poison --store "$store" --workers "$1"
}
poisoned 1 4
poisoned 2 2
poisoned 3 2
"$FAIRSWEEP" status poison2.h5 >log.txt || die "status"
grep -q 'baseline fake, faces, seed 0 .*is lost (its worker was lost): its worker died' log.txt || die "status gives no reason"
expect 0 '6 done' "$fake" run job --store poison2.h5 --workers 2 --only lost
"$fake" dump poison2.h5 | cmp - calm.txt || die "another table after --only lost"

echo "== and without MPI, where it takes the whole run with it"
for run in 1 2 3 4; do
    status=0
    { "$fake" run poison --store alone.h5 --workers 0 >log.txt 2>&1 || status=$?; } 2>/dev/null
    [ $status -eq 137 ] || die "run $run: exit $status, expected 137"
done
expect 1 'is lost: its worker died or fell silent 4 times' "$fake" run poison --store alone.h5 --workers 0
[ "$(count alone.h5 done)" -eq 8 ] || die "not all else is done"

echo "== a stop is held against no stage, however it ends"
printf 'baselines 1\ncompressions 0\nstage_ms 400\n' >slow1
for run in 1 2 3 4 5; do
    "$fake" run slow1 --store stopped.h5 --workers 0 >log.txt 2>&1 &
    running=$!
    wait_until "a running stage" is_running stopped.h5
    kill -INT $running
    status=0; wait $running || status=$?
    [ $status -eq 75 ] || die "exit $status after a stop"
    rm -f stopped.h5.live.json
done
expect 0 '1 done' "$fake" run slow1 --store stopped.h5 --workers 0

echo "== a worker that is stopped: the run ends without it"
printf 'baselines 2\ncompressions 2\nstage_ms 200\n' >slow
"$fake" run slow --store worker.h5 --workers 2 >worker.log 2>&1 &
running=$!
wait_until "a running stage" is_running worker.h5
kill -STOP "$(rank worker.h5 1)"
status=0; wait $running || status=$?
cp worker.log log.txt
[ $status -eq 0 ] || die "exit $status with a stopped worker"
grep -q 'mpirun still waits for worker 1' log.txt || die "no word on the stopped worker"
[ -z "$(rank worker.h5 1)" ] || die "the stopped worker is still there"

echo "== a coordinator that is stopped: the run ends, status does not say that it runs"
printf 'baselines 2\ncompressions 8\nstage_ms 300\n' >long  # much is left to do, however late the coordinator is stopped
"$fake" run long --store coordinator.h5 --workers 2 >coordinator.log 2>&1 &
running=$!
wait_until "a running stage" is_running coordinator.h5
"$FAIRSWEEP" status coordinator.h5 --json >log.txt && grep -q '"state":"running","running":true' log.txt || die "status while it runs"
kill -STOP "$(rank coordinator.h5 0)"
silent() { "$FAIRSWEEP" status coordinator.h5 --json >log.txt && grep -q '"state":"silent","running":false' log.txt && grep -q '"stages":{.*"running":0' log.txt; }
wait_until "status to see that nobody answers" silent
"$FAIRSWEEP" status coordinator.h5 >log.txt
grep -q 'no sign of life: the last one .* ago, by process' log.txt || die "status does not tell the age"
status=0; wait $running || status=$?; cp coordinator.log log.txt
[ $status -eq 4 ] || die "exit $status with a stopped coordinator"
grep -q 'coordinator (rank 0, process .*no sign of life' log.txt || die "no word on the stopped coordinator"
expect 0 '18 done' "$fake" run long --store coordinator.h5 --workers 2

echo "== links that somebody planted"
mkdir home shared
echo mine >home/keys.txt
ln -s "$PWD/home/keys.txt" shared/s.h5.lock
expect 4 'symbolic link' "$fake" run job --store shared/s.h5 --workers 0
[ "$(cat home/keys.txt)" = mine ] || die "something was written through a planted link"
rm shared/s.h5.lock
mkdir shared/s.h5.files
touch "shared/s.h5.files/1f2e.ckpt.tmp-$(hostname)-4194399-00ff" shared/s.h5.files/1f2e.ckpt.tmp-17
touch -d '1 hour ago' shared/s.h5.files/1f2e.ckpt.tmp-17
expect 0 '6 done' "$fake" run job --store shared/s.h5 --workers 0
[ -z "$(find shared -name '*.tmp*')" ] || die "half-made files are left"

echo "== a file system without locks"
cat >nolock.c <<'C'
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
int flock(int file, int operation) { (void)file; (void)operation; errno = atoi(getenv("NOLOCK_ERRNO")); return -1; }
C
cc -shared -fPIC -o nolock.so nolock.c
for number in 37 95 38 524; do
    expect 4 'this file system has no locks.*errno '$number'.*local disk' \
        env LD_PRELOAD="$PWD/nolock.so" NOLOCK_ERRNO=$number "$fake" run job --store nolock.h5 --workers 0
done
[ -z "$(find . -name 'nolock.h5*')" ] || die "a store was left behind"
expect 0 'no run at work' env LD_PRELOAD="$PWD/nolock.so" NOLOCK_ERRNO=37 timeout 20 "$FAIRSWEEP" status calm.h5 --watch

echo "== status from the first second on"
cp calm.h5 early.h5
for part in journal files; do cp -r calm.h5.$part early.h5.$part; done
sed 's/baselines 2/baselines 3/; s/stage_ms 20/stage_ms 100/' job >more
"$fake" run more --store early.h5 --workers 2 >early.log 2>&1 &
running=$!
wait_until "the first word" test -e early.h5.live.json
"$FAIRSWEEP" status early.h5 --watch >watch.txt &
watching=$!
for _ in $(seq 300); do
    "$FAIRSWEEP" status early.h5 >log.txt 2>&1
    grep -q '"ended"' early.h5.live.json && break
    kill -0 $running 2>/dev/null || break
    grep -q 'no run at work' log.txt && ! grep -q '"ended"' early.h5.live.json && die "status says that nothing is at work"
done
wait $running || { cp early.log log.txt; die "the run failed"; }
wait $watching
cp watch.txt log.txt
tail -20 watch.txt | grep -q 'done  *15 ' || die "--watch ended before the run"

echo "== what a launcher left behind in the environment"
expect 0 'one rank under a launcher .PMIX_RANK is set.: --workers 3 has no effect' env PMIX_RANK=0 "$fake" run job --store left.h5 --workers 3
echo "all faults are told and survived"
