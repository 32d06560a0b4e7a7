#!/usr/bin/env bash
# The ways to start `run`, and how it ends: exit codes of the contract, with fake stages.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export FAIRSWEEP_WORKER_SILENCE_S=2 FAIRSWEEP_COORDINATOR_SILENCE_S=10 FAIRSWEEP_BEAT_S=0.2
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

printf 'baselines 2\ncompressions 2\nstage_ms 20\n' >job
expect 0 '6 done' "$fake" run job --store one.h5 --workers 0
expect 0 'nothing to do' "$fake" run job --store one.h5 --workers 2
"$fake" dump one.h5 >one.txt

# usage
expect 2 'at most 4 per core' "$fake" run job --store bad.h5 --workers 1000
expect 2 'did you mean failed' "$fake" run job --store bad.h5 --only faild
expect 2 '1 or more' "$fake" run job --store bad.h5 --max-failures 0
expect 2 'did you mean --store' "$fake" run job --stroe bad.h5
expect 2 'FAIRSWEEP_BEAT_S' env FAIRSWEEP_BEAT_S=soon "$fake" run job --store bad.h5
expect 2 '--store is missing.*for example: --store job.h5' "$fake" run job
expect 2 'no job file was named' "$fake" run --store bad.h5
status=0
"$fake" run job --store bad.h5 --workers 1000 >log.txt 2>&1 || true
! grep -q submit log.txt || die "a hint names a command that is not there"
[ ! -e bad.h5 ] && [ ! -e bad.h5.journal ] || die "a store was left behind"

# inside the user's own launcher, with one rank and with three
for ranks in 1 3; do
    expect 0 '6 done' mpirun --enable-recovery --oversubscribe --bind-to none -n $ranks "$fake" run job --store own$ranks.h5
    "$fake" dump own$ranks.h5 | cmp - one.txt || die "another table with $ranks ranks"
done

# a job named like mpirun's own word
cp job :
expect 0 '6 done' "$fake" run : --store colon.h5 --workers 1

# a stage fails: what needs it is skipped, the rest goes on; --only tries it again
cp job failing && echo 'fail compression' >>failing
expect 1 '5 done 1 failed.*again: fairsweep run failing --store failing.h5 --workers 2 --set .a=b c. --only failed,lost' \
    "$fake" run failing --store failing.h5 --workers 2 --set 'a=b c'
[ "$(count failing.h5 failed)" -eq 1 ] && [ "$(count failing.h5 skipped)" -eq 1 ] || die "one failed, one skipped"
expect 1 'nothing to do' "$fake" run failing --store failing.h5 --workers 2
expect 0 '6 done' "$fake" run job --store failing.h5 --workers 1 --only failed
"$fake" dump failing.h5 | cmp - one.txt || die "another table after --only failed"
expect 1 'failed' "$fake" run failing --store fast.h5 --workers 1 --fail-fast
[ "$(count fast.h5 waiting)" -gt 0 ] || die "--fail-fast went on to the end"
expect 75 'To go on: fairsweep run job --store fast.h5 --workers 2 ' "$fake" run job --store fast.h5 --workers 2 --only failed,lost
expect 0 '6 done' "$fake" run job --store fast.h5 --workers 2

# a stage that kills its worker the first time
cp job killing && echo 'kill baseline' >>killing
expect 0 '6 done' "$fake" run killing --store killing.h5 --workers 2
"$fake" dump killing.h5 | cmp - one.txt || die "another table after a worker died"

# all workers gone
expect 4 'To go on' "$fake" run killing --store alone.h5 --workers 1
expect 0 '6 done' "$fake" run killing --store alone.h5 --workers 1

# one owner at a time; the live status is there meanwhile; a stop ends with 75 and says how to go on
printf 'baselines 2\ncompressions 2\nstage_ms 500\n' >slow
for workers in 0 2; do
    "$fake" run slow --store slow$workers.h5 --workers $workers >slow.log 2>&1 &
    running=$!
    for _ in $(seq 300); do grep -q '"running": [1-9]' slow$workers.h5.live.json 2>/dev/null && break; sleep 0.1; done
    grep -q '"fraction"' slow$workers.h5.live.json || die "no live status"
    expect 4 'own|lock' "$fake" run slow --store slow$workers.h5 --workers 0
    kill -INT $running
    status=0
    wait $running || status=$?
    cp slow.log log.txt
    [ $status -eq 75 ] || die "exit $status after Ctrl-C, expected 75"
    grep -Eq "stopped: [0-9]+ of 15 stages done and safe, [0-9]+ run again. To go on: fairsweep run slow --store slow$workers.h5" slow.log ||
        die "no word on how to go on"
    expect 0 '6 done' "$fake" run slow --store slow$workers.h5 --workers 2
done
"$fake" dump slow0.h5 >slow0.txt
"$fake" dump slow2.h5 | cmp - slow0.txt || die "two tables of one sweep"

# an artefact that somebody deleted is made again when open work needs it, and only then
rm one.h5.files/*.fake
expect 0 'nothing to do' "$fake" run job --store one.h5 --workers 0
sed 's/compressions 2/compressions 3/' job >more
expect 0 'is gone.*8 done' "$fake" run more --store one.h5 --workers 2

# one that somebody changed, its size kept, is noticed by the digest that comes with the lease
for changed in one.h5.files/*.fake; do printf x | dd of="$changed" bs=1 conv=notrunc status=none; done
sed 's/compressions 2/compressions 4/' job >most
expect 1 'not what its row says' "$fake" run most --store one.h5 --workers 1
echo "all ways are well"
