#!/usr/bin/env bash
# Latency as a further measurement: planned, added to a store that has run without it, merged, and drawn on the page.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
job=$FAIRSWEEP_SOURCE_DIR/jobs/smoke.cfg
measure=(--set evaluation.measure=latency)

note "faces"
make_faces

note "a job that asks for something else hears what there is"
status=0
"$FAIRSWEEP" plan "$job" --set evaluation.measure=speed >log.txt 2>&1 || status=$?
[ $status -eq 2 ] && grep -q "latency" log.txt || { cat log.txt; die "exit $status for a measurement that is none"; }

note "without, then with: the second run adds the latency stages and no other"
"$FAIRSWEEP" run "$job" --store s.h5 --workers 1 -q
"$FAIRSWEEP" plan "$job" "${measure[@]}" --store s.h5 --json >plan.json
points=$(json 'd["points"]' <plan.json)
[ "$(json 'd["kinds"]["latency"]' <plan.json)" = "$points" ] || { cat plan.json; die "not one latency stage a point"; }
[ "$(json 'd["stages"] - d["stages_done"]' <plan.json)" = "$points" ] || { cat plan.json; die "more is to do than the latencies"; }
"$FAIRSWEEP" run "$job" "${measure[@]}" --store s.h5 --workers 1 -q
"$FAIRSWEEP" status s.h5 --json >status.json
[ "$(json 'd["points"]["done"]' <status.json)" = "$points" ] || { cat status.json; die "not all points are done"; }

note "merged: a time and two sizes for every point, the packed one as export counts it"
"$FAIRSWEEP" merge s.h5 --output a.h5
"$FAIRSWEEP" analyze a.h5 --csv csv >table.txt
point=$("$FAIRSWEEP_PYTHON" - <<'PYTHON'
import csv
import math

rows = list(csv.DictReader(open("csv/points.csv")))
for row in rows:
    assert 0 < float(row["image_time_s"]) < 10, row["image_time_s"]
    packed, whole = float(row["packed_bytes"]), float(row["float32_bytes"])
    assert packed == whole if row["arm"] != "compressed" else packed < whole, (row["arm"], packed, whole)
configurations = list(csv.DictReader(open("csv/configurations.csv")))
assert all(math.isfinite(float(row["packed_bytes"])) for row in configurations)
print(next(row["point"] for row in rows if row["arm"] == "compressed"))
PYTHON
)
"$FAIRSWEEP" export --store s.h5 --point "$point" --format safetensors --packed --output packed.safetensors --json >export.json
"$FAIRSWEEP_PYTHON" - "$point" <<'PYTHON'
import csv
import json
import sys

row = next(r for r in csv.DictReader(open("csv/points.csv")) if r["point"] == sys.argv[1])
size = json.load(open("export.json"))
assert float(row["packed_bytes"]) == size["packed_bytes"], (row["packed_bytes"], size)
PYTHON

note "a store that has not measured it, named first, hides nothing"
"$FAIRSWEEP" run "$job" --store n.h5 --workers 1 -q
"$FAIRSWEEP" merge n.h5 s.h5 --output ns.h5
"$FAIRSWEEP_PYTHON" -c '
import h5py, numpy
with h5py.File("ns.h5") as file:
    assert numpy.isfinite(file["points/packed_bytes"][:]).all(), file["points/packed_bytes"][:]'

note "page"
"$FAIRSWEEP" report a.h5 --output page.html
grep -q "Error against size" page.html || die "no trade-off plot"
