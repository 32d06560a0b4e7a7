#!/usr/bin/env bash
# The task classification from drawn expressions to page and export; every figure is computed again from the stored logits.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
job=$FAIRSWEEP_SOURCE_DIR/jobs/classification.cfg
export FAIRSWEEP_DEMO_DATA=$PWD/data
small=(--set sweep.seeds=1,2 --set axes.bits=32,4 --set recipe.baseline_epochs=3 --set recipe.finetune_steps=20
    --set evaluation.measure=latency)

note "faces with expressions"
"$FAIRSWEEP" data make --out data --identities 2 --images 2 --calibration-identities 1 --calibration-images 2 \
    --test-identities 4 --pairs 20 --expressions 12 --seed 5 -q

note "sets that do not fit the task, and words of the other task"
expect 2 'cannot open the set of images with classes.*rfw.*manifest' "$FAIRSWEEP" plan "$job" --set "data.test.format=rfw" --set "data.test.path=data/test"
expect 2 'cannot train for verification on images with classes' "$FAIRSWEEP" plan "$FAIRSWEEP_SOURCE_DIR/jobs/smoke.cfg" \
    --set data.faces.format=manifest --set data.faces.path=data/expressions/train --set data.test.path=data/test
expect 2 'one of logits' "$FAIRSWEEP" plan "$job" --set axes.distillation=embedding
sed 's/,sleepy,/,tired,/' data/expressions/train/manifest.csv >tired.csv
mv data/expressions/train/manifest.csv whole.csv && cp tired.csv data/expressions/train/manifest.csv
expect 2 'tired.*sleepy' "$FAIRSWEEP" plan "$job"
mv whole.csv data/expressions/train/manifest.csv

note "the sweep, over two workers; killed in the middle and gone on with"
"$FAIRSWEEP" run "$job" "${small[@]}" --store s.h5 --workers 2 -q &
run=$!
for _ in $(seq 200); do
    [ "$("$FAIRSWEEP" status s.h5 --json 2>/dev/null | json 'd["stages"]["done"]' 2>/dev/null || echo 0)" -ge 3 ] && break
    sleep 0.1
done
kill -9 $run 2>/dev/null || true
wait $run 2>/dev/null || true
"$FAIRSWEEP" run "$job" "${small[@]}" --store s.h5 --workers 2 -q
"$FAIRSWEEP" status s.h5 --json >status.json
[ "$(json 'd["points"]["done"]' <status.json)" = 6 ] || { cat status.json; die "not all points are done"; }
"$FAIRSWEEP" merge s.h5 --output a.h5
"$FAIRSWEEP" analyze a.h5 --csv csv >table.txt
grep -q "accuracy in percent per group, means over seeds" table.txt || { cat table.txt; die "no table"; }

note "figures computed again"
"$FAIRSWEEP_PYTHON" "$(dirname "${BASH_SOURCE[0]}")/classification_oracle.py" a.h5 csv group

note "the same items in other groups"
"$FAIRSWEEP" analyze a.h5 --group-by lamp --csv lamps >lamps.txt
grep -Eq "left +right|right +left" lamps.txt || { cat lamps.txt; die "no table by lamp"; }
grep -q "Drawn faces" lamps.txt || { cat lamps.txt; die "drawn faces are not told by lamp"; }
"$FAIRSWEEP_PYTHON" "$(dirname "${BASH_SOURCE[0]}")/classification_oracle.py" a.h5 lamps lamp
expect 2 'one of group, lamp' "$FAIRSWEEP" analyze a.h5 --group-by sex
"$FAIRSWEEP" analyze a.h5 >/dev/null

note "page"
"$FAIRSWEEP" report a.h5 --output report.html
for text in "Recall of every class" "sleepy, %" "Error rates of classification"; do
    grep -q "$text" report.html || die "no '$text' on the page"
done
if grep -q "FNMR" report.html; then die "the page speaks of pairs"; fi
"$FAIRSWEEP" report a.h5 --output report.md
grep -q "Recall of every class" report.md || die "no recalls in report.md"
if grep -nE "genuine|impostor|[Pp]airs|FMR|threshold" report.md; then die "report.md speaks of pairs"; fi

note "a network with its classifier as ONNX gives the stored logits' decisions"
point=$("$FAIRSWEEP_PYTHON" -c 'import csv; print(next(r["point"] for r in csv.DictReader(open("csv/points.csv")) if r["arm"] == "dense"))')
"$FAIRSWEEP" export --store s.h5 --point "$point" --format onnx --output dense.onnx
"$FAIRSWEEP_PYTHON" "$(dirname "${BASH_SOURCE[0]}")/classification_onnx.py" a.h5 dense.onnx "$point" s.h5.files/*.faces
