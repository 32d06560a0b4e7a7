#!/usr/bin/env bash
# Trainings whose batches have parts, run by one process and by teams of real ranks: the same files, byte for byte, also after a member
# was killed and after a stop.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
make_faces
{ cat "$FAIRSWEEP_SOURCE_DIR/jobs/smoke.cfg"; printf '\n[run]\ncheckpoint_s = 0\n'; } >job.cfg
parts=(--set recipe.shards=4 --set recipe.finetune_steps=8)

sweep() { "$FAIRSWEEP" run job.cfg "${parts[@]}" --store "$@"; }  # sweep STORE OPTION...
files() { (cd "$1.files" && sha256sum -- *.ckpt *.emb *.faces); }
as_one() { files "$1" >files.txt; diff one.txt files.txt || die "$1: other files than one process leaves"; }
ranks() { pgrep -f -- "--store $1( |\$)" | while read -r pid; do
    if tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -q "^OMPI_COMM_WORLD_RANK=$2$"; then echo "$pid"; fi; done; }
team_runs() {  # team_runs STORE KIND: waits until two workers run the same stage of that kind, and have made some way
    for _ in $(seq 900); do
        "$FAIRSWEEP_PYTHON" - "$1" "$2" <<'PY' && return 0
import collections, json, sys
try:
    live = json.load(open(sys.argv[1] + ".live.json"))
except (OSError, ValueError):
    sys.exit(1)
at_work = [w["stage"] for w in live["workers"] if w.get("kind") == sys.argv[2] and w.get("fraction", 0) > 0.1]
sys.exit(max(collections.Counter(at_work).values(), default=0) < 2)
PY
        sleep 0.05
    done
    die "no team at work on a $2 of $1"
}

note "one process"
sweep one.h5 --workers 0 -q
files one.h5 >one.txt
[ "$(wc -l <one.txt)" -ge 5 ] || die "too few files"

note "teams of 2 and of 4, and of those who would be idle"
sweep two.h5 --workers 2 -q --set run.team_ranks=2
as_one two.h5
sweep four.h5 --workers 4 -q --set run.team_ranks=4
as_one four.h5
sweep auto.h5 --workers 2 -q
as_one auto.h5

note "a member is killed: the stage goes on from its state"
export FAIRSWEEP_WORKER_SILENCE_S=2 FAIRSWEEP_BEAT_S=0.2
more=(--set recipe.finetune_steps=120)
sweep long-one.h5 --workers 0 -q "${more[@]}"
files long-one.h5 >one.txt
"$FAIRSWEEP" run job.cfg "${parts[@]}" --store killed.h5 --workers 3 --set run.team_ranks=2 "${more[@]}" >killed.log 2>&1 &
running=$!
team_runs killed.h5 compression
victim=$("$FAIRSWEEP_PYTHON" -c 'import json; print([w["worker"] for w in json.load(open("killed.h5.live.json"))["workers"] if w.get("kind") == "compression"][1])')
kill -9 "$(ranks killed.h5 "$victim")"
wait $running || { cat killed.log; die "the run with a killed member failed"; }
grep -q "fell silent 1 time; it is tried again" killed.log || { cat killed.log; die "no word on the killed member"; }
as_one killed.h5

note "a stop: the team leaves its state together, and goes on with another number of ranks"
"$FAIRSWEEP" run job.cfg "${parts[@]}" --store stopped.h5 --workers 2 --set run.team_ranks=2 "${more[@]}" >stopped.log 2>&1 &
running=$!
team_runs stopped.h5 compression
kill -INT $running
status=0; wait $running || status=$?
[ $status -eq 75 ] || { cat stopped.log; die "exit $status after a stop"; }
ls stopped.h5.files/*.resume >/dev/null || die "nothing to go on from"
sweep stopped.h5 --workers 2 -q --set run.team_ranks=1 "${more[@]}"
as_one stopped.h5
note "teams leave what one process leaves"
