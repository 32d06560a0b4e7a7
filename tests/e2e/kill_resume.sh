#!/usr/bin/env bash
# Killed workers, a killed coordinator, everything killed, another number of workers: the same tables, byte for byte.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
job=$FAIRSWEEP_SOURCE_DIR/jobs/smoke.cfg
make_faces

tables() {  # tables STORE OUT: what people read, but for what tells how the run went: times, attempts
    "$FAIRSWEEP" merge "$1" --output "$2-analysis.h5" -q
    "$FAIRSWEEP" analyze "$2-analysis.h5" --csv "$2" >"$2.txt" 2>/dev/null
    "$FAIRSWEEP_PYTHON" - "$2" <<'PY'
import csv, pathlib, sys
for path in pathlib.Path(sys.argv[1]).glob("*.csv"):
    rows = list(csv.reader(path.open()))
    dropped = {i for i, name in enumerate(rows[0]) if name.startswith(("attempt", "wall_s"))}
    rows = [[v for i, v in enumerate(row) if i not in dropped] for row in rows if row[0] != "Merged"]
    with path.open("w") as out:
        csv.writer(out).writerows(rows)
PY
    cp "$2.txt" "$2/table.txt"
}

note "undisturbed, one process"
"$FAIRSWEEP" run "$job" --store calm.h5 --workers 0 -q
tables calm.h5 calm

ranks() { pgrep -f -- "--store $1( |\$)" | while read -r pid; do
    if tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -q "^OMPI_COMM_WORLD_RANK=$2$"; then echo "$pid"; fi; done; }

wait_for_rows() {  # until the journal of $1 has grown past $2 bytes
    for _ in $(seq 600); do
        [ "$(stat -c %s "$1.journal" 2>/dev/null || echo 0)" -gt "$2" ] && return 0
        sleep 0.1
    done
    die "no progress in $1"
}

note "a worker is killed"
"$FAIRSWEEP" run "$job" --store worker.h5 --workers 2 -q &
running=$!
wait_for_rows worker.h5 2000
[ -n "$(ranks worker.h5 1)" ] || die "no worker to kill"
kill -9 $(ranks worker.h5 1)
status=0; wait $running || status=$?
if [ $status -ne 0 ]; then note "first run ended with $status, resuming"; "$FAIRSWEEP" run "$job" --store worker.h5 --workers 2 -q; fi
tables worker.h5 worker
cmp_tables() { diff -r calm "$1" || die "the tables of $1 differ from the undisturbed run"; }
cmp_tables worker

note "the coordinator is killed"
"$FAIRSWEEP" run "$job" --store coordinator.h5 --workers 2 -q &
running=$!
wait_for_rows coordinator.h5 2000
[ -n "$(ranks coordinator.h5 0)" ] || die "no coordinator to kill"
kill -9 $(ranks coordinator.h5 0)
status=0; wait $running || status=$?
[ $status -ne 0 ] || die "a run whose coordinator was killed says all is done"
"$FAIRSWEEP" status coordinator.h5 --json >/dev/null
"$FAIRSWEEP" run "$job" --store coordinator.h5 --workers 1 -q
tables coordinator.h5 coordinator
cmp_tables coordinator

note "everything is killed"
setsid "$FAIRSWEEP" run "$job" --store all.h5 --workers 2 -q &
wait_for_rows all.h5 2000
for _ in 1 2 3; do pgrep -f -- "--store all.h5( |\$)" | xargs -r kill -9 2>/dev/null || true; done
wait || true
sleep 1
"$FAIRSWEEP" run "$job" --store all.h5 --workers 2 -q
tables all.h5 all
cmp_tables all

note "stopped by a signal, resumable"
"$FAIRSWEEP" run "$job" --store stop.h5 --workers 2 -q 2>stop.txt &
running=$!
wait_for_rows stop.h5 2000
kill -TERM $running
status=0; wait $running || status=$?
[ $status -eq 75 ] || [ $status -eq 0 ] || { cat stop.txt; die "exit $status after TERM, expected 75"; }
"$FAIRSWEEP" run "$job" --store stop.h5 --workers 0 -q
tables stop.h5 stop
cmp_tables stop
