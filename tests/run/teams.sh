#!/usr/bin/env bash
# Stages that several ranks run together, under a real mpirun with fake stages: the results are those of one process, whatever the size
# of the teams; a member that dies, is stopped, fails or comes late costs an attempt at most.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export FAIRSWEEP_WORKER_SILENCE_S=1 FAIRSWEEP_COORDINATOR_SILENCE_S=3 FAIRSWEEP_BEAT_S=0.2 FAIRSWEEP_END_S=2 FAIRSWEEP_START_S=30

printf 'baselines 1\ncompressions 3\nstage_ms 60\nshards 4\n' >job
"$fake" run job --store calm.h5 --workers 0 -q
"$fake" dump calm.h5 >calm.txt
team_of() { [ -e "$1.files/team.$2" ]; }
as_calm() { "$fake" dump "$1" | cmp - calm.txt || die "$1: another table"; }

echo "== the same table for teams of 2 and 4, of those who would be idle, and where stages go side by side"
for ranks in 1 2 4; do
    { cat job; echo "team_ranks $ranks"; } >job$ranks
    expect 0 '4 done' "$fake" run job$ranks --store of$ranks.h5 --workers 4
    as_calm of$ranks.h5
    [ "$ranks" = 1 ] || team_of of$ranks.h5 "$ranks" || die "no team of $ranks ranks"
    case $ranks in 1) team_of of1.h5 2 && die "a team where none was asked for" ;; esac
done
expect 0 '4 done' "$fake" run job --store auto.h5 --workers 4
as_calm auto.h5
sed 's/compressions 3/compressions 1/' job >narrow
expect 0 '2 done' "$fake" run narrow --store narrow.h5 --workers 4
team_of narrow.h5 2 || team_of narrow.h5 4 || die "the only compression had nobody beside it, and no team"
printf 'baselines 4\ncompressions 0\nstage_ms 60\nshards 4\n' >wide
expect 0 '4 done' "$fake" run wide --store wide.h5 --workers 4
team_of wide.h5 4 && die "a team though every rank had a stage of its own"

echo "== a member that dies"
{ cat job; echo 'team_ranks 2'; echo 'kill_member 1'; } >kill
expect 0 'its worker died or fell silent 1 time; it is tried again.*4 done' "$fake" run kill --store kill.h5 --workers 4
as_calm kill.h5

echo "== a member that fails without a word to its team"
{ cat job; echo 'team_ranks 4'; echo 'fail_member 1'; } >fail
expect 0 'it failed .internal. and is tried again.*a member failed.*4 done' "$fake" run fail --store fail.h5 --workers 4
as_calm fail.h5

echo "== a member that comes late"
{ cat job; echo 'team_ranks 2'; echo 'late_member 2'; } >late
expect 0 '4 done' "$fake" run late --store late.h5 --workers 2
as_calm late.h5

echo "== a member that is stopped: its team ends within the silence, the others go on"
printf 'baselines 1\ncompressions 3\nstage_ms 600\nshards 4\nteam_ranks 4\n' >slow
sed 's/team_ranks 4//' slow >slow0
"$fake" run slow0 --store slow0.h5 --workers 0 -q
"$fake" run slow --store stopped.h5 --workers 4 >stopped.log 2>&1 &
running=$!
wait_until "a team of 4" team_of stopped.h5 4
kill -STOP "$(rank stopped.h5 3)"
status=0; wait $running || status=$?
cp stopped.log log.txt
[ $status -eq 0 ] || die "exit $status with a stopped member"
grep -q 'on worker 3: its worker died or fell silent 1 time' log.txt || die "no word on who was lost"
"$fake" dump slow0.h5 >slow0.txt
"$fake" dump stopped.h5 | cmp - slow0.txt || die "another table after a member was stopped"

echo "== a stop while teams run: no attempt is held against a stage, and the run goes on"
"$fake" run slow --store stop.h5 --workers 4 >stop.log 2>&1 &
running=$!
wait_until "a team of 4" team_of stop.h5 4
kill -INT $running
status=0; wait $running || status=$?
cp stop.log log.txt
[ $status -eq 75 ] || die "exit $status after a stop"
expect 0 '4 done' "$fake" run slow --store stop.h5 --workers 4
"$fake" dump stop.h5 | cmp - slow0.txt || die "another table after a stop"

echo "== the last long stage gets the ranks that have become idle"
printf 'baselines 1\ncompressions 0\nstage_ms 3000\nshards 2\n' >grow
FAIRSWEEP_GROW_AFTER_S=0.5 expect 0 '1 done' "$fake" run grow --store grow.h5 --workers 3
team_of grow.h5 2 || die "no stage got the idle rank"
echo "teams of all kinds leave what one process leaves"
