#!/usr/bin/env bash
# Keys of the recipe as axes, blocks and zipped axes: planned, run, told apart by the analysis and named by the page.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
job=$FAIRSWEEP_SOURCE_DIR/jobs/smoke.cfg
axes=(--set "axes.recipe.finetune_lr=0.05, 0.01" --set "axes.recipe.observer_steps=2, 4" --set axes.bits=8)

note "faces"
make_faces

note "plan: a fine-tune's key splits shams, a quantiser's key does not, and neither splits the baseline"
"$FAIRSWEEP" plan "$job" "${axes[@]}" --json >plan.json
[ "$(json 'd["points"]' <plan.json)" = $((1 + 2 + 4)) ] || { cat plan.json; die "not 1 dense, 2 sham and 4 compressed points"; }
[ "$(json 'd["kinds"]["baseline"], d["axes"]["recipe.finetune_lr"]' <plan.json)" = "(1, 2)" ] || { cat plan.json; die "baselines or axes"; }

note "blocks and zipped axes"
zipped=$("$FAIRSWEEP" plan "$job" --set "axes.a.bits=32, 8" --set "axes.b.bits=4, 3" --set "axes.b.recipe.finetune_lr=0.05, 0.01" \
    --set "axes.b.zip=bits + recipe.finetune_lr" --set sweep.arms=compressed --json | json 'd["points"]')
[ "$zipped" = $((1 + 2)) ] || die "$zipped points of two blocks"

note "augmentation: baselines and all that follows them differ"
"$FAIRSWEEP" plan "$job" --set "axes.recipe.augmentation=none, light, strong" --json >plan.json
[ "$(json 'd["points"], d["kinds"]["baseline"], d["kinds"]["teacher"], d["kinds"]["prepare"]' <plan.json)" = "(9, 3, 3, 1)" ] ||
    { cat plan.json; die "stages of three augmentations"; }

note "run, and again with a further value in the same store"
"$FAIRSWEEP" run "$job" "${axes[@]}" --store s.h5 --workers 2 -q
"$FAIRSWEEP" run "$job" "${axes[@]}" --set "axes.recipe.dropout=0, 0.2" --store s.h5 --workers 2 -q
"$FAIRSWEEP" status s.h5 --json >status.json
[ "$(json 'd["points"]["done"], d["points"]["total"]' <status.json)" = "(13, 13)" ] || { cat status.json; die "not 7 points and 6 more"; }

note "analysis: every compressed network has its twin, every axis its column"
"$FAIRSWEEP" merge s.h5 --output a.h5
"$FAIRSWEEP" analyze a.h5 --csv csv >table.txt
grep -q "recipe.finetune_lr" table.txt || { cat table.txt; die "the table at the terminal does not name the axis"; }
"$FAIRSWEEP_PYTHON" - <<'PYTHON'
import csv
import h5py

read = lambda name: list(csv.DictReader(open(f"csv/{name}.csv")))
compressed = [r for r in read("configurations") if r["arm"] == "compressed"]
shams = [r for r in read("configurations") if r["arm"] == "sham"]
assert len(compressed) == 8 and len(shams) == 4, (len(compressed), len(shams))
assert {r["recipe.observer_steps"] for r in shams} == {""}  # no part in a sham
assert {(r["recipe.finetune_lr"], r["recipe.observer_steps"]) for r in compressed} == {(a, b) for a in ("0.05", "0.01") for b in ("2", "4")}
gaps = [r for r in read("contrasts") if (r["kind"], r["metric"]) == ("compressed - sham", "gap")]
assert len(gaps) == 8, len(gaps)
assert not any("twin" in r["text"] for r in read("warnings")), read("warnings")
with h5py.File("a.h5") as file:
    names = [n.decode() for n in file["/axes/name"][:]]
    assert names[:2] == ["architecture", "training_set"] and names[-3:] == ["recipe.finetune_lr", "recipe.observer_steps", "recipe.dropout"]
    assert file["/points/recipe.finetune_lr"].dtype.kind == "f" and len(file["/points/recipe.finetune_lr"]) == 13
PYTHON

note "page"
"$FAIRSWEEP" report a.h5 --output page.html
grep -q "finetune_lr 0.05" page.html || die "no panel of the page names its value of the axis"

note "augmentation, run: networks of other baselines are told apart, and each is compared with its own"
"$FAIRSWEEP" run "$job" --set "axes.recipe.augmentation=none, light, strong" --store augmented.h5 --workers 2 -q
"$FAIRSWEEP" merge augmented.h5 --output augmented-analysis.h5
"$FAIRSWEEP" analyze augmented-analysis.h5 --csv augmented >table.txt
grep -q "recipe.augmentation" table.txt || { cat table.txt; die "the table at the terminal does not name the augmentation"; }
"$FAIRSWEEP_PYTHON" - <<'PYTHON'
import csv

read = lambda name: list(csv.DictReader(open(f"augmented/{name}.csv")))
strengths = {"none", "light", "strong"}
for arm in ("dense", "sham", "compressed"):
    found = sorted(r["recipe.augmentation"] for r in read("configurations") if r["arm"] == arm)
    assert found == sorted(strengths), (arm, found)
baselines = {r["recipe.augmentation"]: r["baseline_recipe"] for r in read("configurations")}
assert len(set(baselines.values())) == 3, baselines
shams = [r for r in read("contrasts") if (r["kind"], r["metric"]) == ("compressed - sham", "gap")]
assert {r["recipe.augmentation"] for r in shams} == strengths and len(shams) == 3, shams
assert not any("twin" in r["text"] for r in read("warnings")), read("warnings")
PYTHON
"$FAIRSWEEP" report augmented-analysis.h5 --output augmented.html
grep -q "augmentation strong" augmented.html || die "no panel of the page names its augmentation"
