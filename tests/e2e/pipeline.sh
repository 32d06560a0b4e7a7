#!/usr/bin/env bash
# The way of ./scripts/demo on small data: every command, every file it promises, and a second run that does nothing.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
job=$FAIRSWEEP_SOURCE_DIR/jobs/smoke.cfg

note "faces"
make_faces
"$FAIRSWEEP" data describe data/train --json | json 'd["images"]' | grep -qx 192
[ "$("$FAIRSWEEP" data describe data/test --json | json 'd["problems"]')" = "[]" ] || die "the test set has problems"

note "plan"
"$FAIRSWEEP" plan "$job" --json >plan.json
points=$(json 'd["points"]' <plan.json)
[ "$points" -gt 0 ] && [ "$(json 'd["provisional"]' <plan.json)" = False ] || die "plan"

note "run with two workers"
"$FAIRSWEEP" run "$job" --store sweep.h5 --workers 2
"$FAIRSWEEP" status sweep.h5 --json >status.json
[ "$(json 'd["points"]["done"] == d["points"]["total"] > 0 and sum(d["points"][k] for k in ("failed","skipped","quarantined","lost","running","waiting")) == 0' <status.json)" = True ] ||
    { cat status.json; die "status"; }
[ "$(json 'd["points"]["total"]' <status.json)" = "$points" ] || die "status and plan disagree"

note "a second run does no training"
attempts=$(json 'd["attempts"]' <status.json)
before=$(sha256sum sweep.h5 sweep.h5.journal)
"$FAIRSWEEP" run "$job" --store sweep.h5 --workers 2
[ "$("$FAIRSWEEP" status sweep.h5 --json | json 'd["attempts"]')" = "$attempts" ] || die "the second run made attempts"
[ "$(sha256sum sweep.h5 sweep.h5.journal)" = "$before" ] || die "the second run changed the store"
[ "$("$FAIRSWEEP" plan "$job" --store sweep.h5 --json | json 'd["stages_done"] == d["stages"]')" = True ] || die "plan --store"

note "one changed label, of any image, is another data set"
cp -r data/train relabelled
"$FAIRSWEEP_PYTHON" - <<'PY'
import struct
offset = int(open("relabelled/train.idx").read().splitlines()[101].split()[1])
with open("relabelled/train.rec", "r+b") as file:
    file.seek(offset + 12)  # magic, length, flag; then the label
    label, = struct.unpack("<f", file.read(4))
    file.seek(offset + 12)
    file.write(struct.pack("<f", 0.0 if label else 1.0))
PY
"$FAIRSWEEP" plan "$job" --store sweep.h5 --json --set data.faces.path=relabelled >other.json
[ "$(json 'd["stages_done"] <= d["kinds"]["prepare"]' <other.json)" = True ] || die "stages of other labels count as done"

note "a larger grid does only what is missing"
"$FAIRSWEEP" run "$job" --store sweep.h5 --workers 1 --set axes.sparsity=0,0.5
"$FAIRSWEEP" status sweep.h5 --json >wider.json
[ "$(json 'd["points"]["done"] == d["points"]["total"]' <wider.json)" = True ] || die "wider grid"
[ "$(json 'd["points"]["total"]' <wider.json)" -gt "$points" ] || die "the wider grid is not wider"

note "merge, analyze, report"
"$FAIRSWEEP" merge sweep.h5 --output analysis.h5
"$FAIRSWEEP" analyze analysis.h5 --csv csv >table.txt
grep -q 'Avg' table.txt || die "no table"
"$FAIRSWEEP" report analysis.h5 --output report.html
"$FAIRSWEEP" report analysis.h5 --output report.md
[ "$(stat -c %s report.html)" -gt 100000 ] || die "the page is too small to hold its plots"
grep -q '|' report.md || die "no table in report.md"
for page in report.html report.md; do grep -q "Drawn faces" $page || die "$page does not say that its faces are drawn"; done

note "an independent reader agrees with the table"
"$FAIRSWEEP_PYTHON" "$FAIRSWEEP_SOURCE_DIR/tests/e2e/recompute.py" analysis.h5
