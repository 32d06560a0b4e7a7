#!/usr/bin/env bash
# jobs/compression-grid.cfg: every way of compressing in one sweep, counted by `plan`, run, and told apart by the analysis.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
job=$FAIRSWEEP_SOURCE_DIR/jobs/compression-grid.cfg

note "faces"
make_faces

note "plan"
"$FAIRSWEEP" plan "$job" --json >plan.json
# For each of 2 networks: 1 dense; 4 losses x 3 widths without pruning, less the chain's sham, which is the loss's; sparse: 7
# ways x 3 widths less the float point whose order says nothing new (prune-first is global); 3 of the chain.
points=$(json 'd["points"]' <plan.json)
[ "$points" = $((2 * (1 + 11 + 20 + 3))) ] || { cat plan.json; die "plan counts $points points"; }
[ "$(json 'd["axes"]["pruning"]' <plan.json)" = 7 ] || die "the axis pruning is not counted"

note "run"
"$FAIRSWEEP" run "$job" --store grid.h5 --workers 2
"$FAIRSWEEP" status grid.h5 --json >status.json
[ "$(json 'd["points"]["done"]' <status.json)" = "$points" ] || { cat status.json; die "not all points are done"; }

note "another loss of the baseline, in the same store"
"$FAIRSWEEP" run "$job" --store grid.h5 --workers 2 --set recipe.margin_loss=cosface --set axes.sparsity=0 --set axes.pruning=recipe \
    --set axes.distillation=embedding --set axes.architecture=mobilefacenet-w16-56 --set constraint.exclude=
more=$("$FAIRSWEEP" status grid.h5 --json | json 'd["points"]["done"]')
[ "$more" = $((points + 4)) ] || die "$more points after the second loss"

note "preset modern, trained in bfloat16, in a store of its own"
"$FAIRSWEEP" run "$job" --store modern.h5 --workers 2 --set recipe.preset=modern --set recipe.precision=bf16 \
    --set axes.pruning=recipe --set axes.distillation=embedding --set constraint.exclude= --set axes.architecture=iresnet10-w16-56-se
"$FAIRSWEEP" status modern.h5 --json >status.json
[ "$(json 'd["points"]["done"]' <status.json)" = 7 ] || { cat status.json; die "not all points of preset modern are done"; }
"$FAIRSWEEP" merge modern.h5 --output modern_analysis.h5
"$FAIRSWEEP" analyze modern_analysis.h5 --csv modern_csv >table.txt 2>warnings.txt
all_have_twins() { # FOLDER: every compressed configuration is compared with its sham, in every metric
    "$FAIRSWEEP_PYTHON" - "$1" <<'PYTHON'
import csv, sys
read = lambda name: list(csv.DictReader(open(f"{sys.argv[1]}/{name}.csv")))
axes = ("architecture", "bits", "sparsity", "pruning", "distillation", "baseline_recipe", "finetune_recipe", "compression_recipe")
key = lambda r: tuple(r[a] for a in axes)
wanted = {key(r) for r in read("configurations") if r["arm"] == "compressed"}
for metric, tests in (("gap", 1), ("accuracy", 4), ("average", 1)):
    found = [key(r) for r in read("contrasts") if (r["kind"], r["metric"]) == ("compressed - sham", metric)]
    assert wanted and set(found) == wanted and len(found) == tests * len(wanted), (metric, wanted - set(found), len(found))
assert not any("twin" in r["text"] for r in read("warnings"))
PYTHON
}
all_have_twins modern_csv
point=$("$FAIRSWEEP_PYTHON" -c 'import csv
print([r["point"] for r in csv.DictReader(open("modern_csv/points.csv")) if r["bits"] == "w4a8" and r["sparsity"] == "0.5"][0])')
"$FAIRSWEEP" export --store modern.h5 --point "$point" --format onnx --output modern.onnx
[ -s modern.onnx ] || die "no ONNX file of preset modern"

note "the other losses of the baseline, and the other options of preset modern: one small sweep for each line"
small=(--set recipe.preset=modern --set axes.bits=w4a8 --set axes.sparsity=0 --set axes.pruning=recipe --set axes.distillation=embedding
    --set axes.architecture=mobilefacenet-w16-56 --set constraint.exclude=)
number=0
while read -r -a options; do
    number=$((number + 1))
    "$FAIRSWEEP" run "$job" --store "options$number.h5" --workers 2 -q "${small[@]}" "${options[@]/#/--set=recipe.}"
    [ "$("$FAIRSWEEP" status "options$number.h5" --json | json 'd["points"]["done"] == d["points"]["total"] > 0')" = True ] ||
        die "not all points are done with ${options[*]}"
done <<'OPTIONS'
margin_loss=elastic-arcface weight_grid=asymmetric weight_range=mse activation_range=percentile batch_norm=folded finetune_schedule=last-epoch
margin_loss=elastic-cosface weight_granularity=tensor weight_range=percentile activation_grid=symmetric activation_range=mse batch_norm=live
baseline_schedule=steps weight_range=minmax activation_range=learned edge_bits=4 slope_bits=4 finetune_schedule=constant
OPTIONS

note "the analysis keeps every way of pruning apart"
"$FAIRSWEEP" merge grid.h5 --output analysis.h5
"$FAIRSWEEP" analyze analysis.h5 --csv csv >table.txt
"$FAIRSWEEP_PYTHON" - <<'PYTHON'
import collections, csv, glob, sys
rows = list(csv.DictReader(open(glob.glob("csv/*configurations*.csv")[0])))
key = lambda r: tuple(r[k] for k in ("architecture", "arm", "bits", "sparsity", "pruning", "distillation", "baseline_recipe"))
twice = [k for k, n in collections.Counter(map(key, rows)).items() if n > 1]
ways = {r["pruning"] for r in rows}
wanted = {"none", "global", "layer+cubic", "2:4", "channels", "channels+layer+cubic", "prune-first", "cubic+quantise-first"}
recipes = {r["baseline_recipe"] for r in rows}
if twice or ways != wanted or len(recipes) != 2 or len(rows) != 2 * 35 + 4:
    sys.exit(f"configurations: {len(rows)} rows, twice {twice}, ways {ways}, baselines {recipes}")
contrasts = list(csv.DictReader(open(glob.glob("csv/*contrast*.csv")[0])))
sham = {r["pruning"] for r in contrasts if "sham" in " ".join(r.values())}
if not {"2:4", "channels"} <= sham:
    sys.exit(f"no contrast of a pruned network with its sham: {sham}")
PYTHON

all_have_twins csv

note "what was planted in the faces stands above the table"
grep -q "^Drawn faces" table.txt && grep -q "^Planted, hardest first: $("$FAIRSWEEP_PYTHON" -c 'import json
print(json.load(open("data/planted.json"))["hardest"])'), then" table.txt || { head -20 table.txt; die "nothing about what was planted"; }

note "without a sham arm a warning says so, and without planted.json nothing does"
mv data/planted.json aside.json
"$FAIRSWEEP" run "$job" --store alone.h5 --workers 2 -q --set sweep.arms=dense,compressed --set axes.bits=8 --set axes.sparsity=0 \
    --set axes.distillation=embedding --set constraint.exclude= --set axes.architecture=mobilefacenet-w16-56
mv aside.json data/planted.json
"$FAIRSWEEP" merge alone.h5 --output alone_analysis.h5
expect 0 '1 compressed configuration has no sham twin.*the sweep has no sham arm' "$FAIRSWEEP" analyze alone_analysis.h5
! grep -q "Drawn faces" out.txt || die "faces are called drawn without planted.json"
grep -q "No compressed network could be compared" out.txt || die "no finding about the missing twin"

note "a point with pruned channels leaves as a smaller network, and one without is refused"
point_of() { "$FAIRSWEEP_PYTHON" -c 'import csv, sys
print([r["point"] for r in csv.DictReader(open("csv/points.csv")) if r["pruning"] == sys.argv[1] and r["bits"] == sys.argv[2]][0])' "$@"; }
for bits in 32 w4a8; do
    "$FAIRSWEEP" export --store grid.h5 --point "$(point_of channels $bits)" --format onnx --output masked.onnx --json >masked.json
    "$FAIRSWEEP" export --store grid.h5 --point "$(point_of channels $bits)" --format onnx --output shrunk.onnx --shrink --json >shrunk.json
    [ "$(json 'd["packed_bytes"]' <shrunk.json)" -lt "$(json 'd["packed_bytes"]' <masked.json)" ] || die "not smaller: $bits bits"
    "$FAIRSWEEP_PYTHON" - $bits <<'PYTHON'
import sys
import numpy as np
import onnxruntime
images = np.random.default_rng(1).uniform(-1, 1, (4, 3, 56, 56)).astype("f4")
masked, shrunk = (onnxruntime.InferenceSession(f"{name}.onnx", providers=["CPUExecutionProvider"]).run(None, {"images": images})[0]
                  for name in ("masked", "shrunk"))
difference = np.linalg.norm(masked - shrunk) / np.linalg.norm(masked)
# Sums in another order; quantised, a value on a border may fall on its other side (docs/export.md).
assert difference <= (1e-5 if sys.argv[1] == "32" else 0.6), difference
PYTHON
done
expect 2 'no channel' "$FAIRSWEEP" export --store grid.h5 --point "$(point_of global 32)" --format onnx --output no.onnx --shrink
