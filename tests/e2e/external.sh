#!/usr/bin/env bash
# Programs of users as stages: jobs/external-qat.cfg with its PyTorch script, killed in the middle and resumed; a program that
# leaves embeddings and one that leaves scores.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
job=$FAIRSWEEP_SOURCE_DIR/jobs/external-qat.cfg
script=$FAIRSWEEP_SOURCE_DIR/jobs/external-qat.py
make_faces

# The Python that has a torch that can be imported: the one of scripts/setup --full, or Debian's.
python=/usr/bin/python3
if "$FAIRSWEEP_PYTHON" -c "import torch" 2>/dev/null; then python=$FAIRSWEEP_PYTHON; fi
command=$(sed -n 's/^train *= *//p' "$job")
command=${command/\/usr\/bin\/python3/$python}
command=${command/jobs\/external-qat.py/\'$script\'}
mine=(--set "program.qat.train=$command" --set "program.qat.depends=$script" --set recipe.finetune_steps=60 --set sweep.seeds=1)

note "plan"
"$FAIRSWEEP" plan "$job" "${mine[@]}" >plan.txt
grep -Eq "external +3" plan.txt && grep -q "of them of program qat" plan.txt || { cat plan.txt; die "the plan shows no external stages"; }
"$FAIRSWEEP" plan "$job" "${mine[@]}" --json >plan.json
[ "$(json 'd["points"], d["kinds"]["external"], d["programs"]["qat"]["stages"]' <plan.json)" = "(7, 3, 3)" ] ||
    { cat plan.json; die "points and stages of the plan"; }
expect 2 "did you mean \{bits\}" "$FAIRSWEEP" plan "$job" "${mine[@]}" --set "program.qat.train=t {bit} {artefact}"
expect 2 "no file elsewhere.py" "$FAIRSWEEP" plan "$job" "${mine[@]}" --set "program.qat.depends=elsewhere.py"

note "undisturbed, one process"
"$FAIRSWEEP" run "$job" "${mine[@]}" --store calm.h5 --workers 0 -q

note "everything is killed while the program trains"
setsid "$FAIRSWEEP" run "$job" "${mine[@]}" --store killed.h5 --workers 2 -q &
for _ in $(seq 1200); do
    saved=$(find killed.h5.files -path '*.work/checkpoint.pt' 2>/dev/null | head -1 || true)
    [ -n "$saved" ] && break
    sleep 0.05
done
[ -n "$saved" ] || die "the program saved nothing"
for _ in 1 2 3; do pgrep -f -- "--store killed.h5( |\$)" | xargs -r kill -9 2>/dev/null || true; done
wait || true
sleep 1
! pgrep -f "killed.h5.files" >/dev/null || die "the program runs on though its worker was killed"
[ -e "$saved" ] || die "the work of the killed program is gone"
"$FAIRSWEEP" run "$job" "${mine[@]}" --store killed.h5 --workers 2 -q
log=${saved%.work/checkpoint.pt}.log
grep -q "^going on from step" "$log" || { cat "$log"; die "the program did not go on from its own checkpoint"; }
[ -z "$(find killed.h5.files -name '*.work')" ] || die "work folders of done stages are left"
for file in calm.h5.files/*.ext; do
    cmp "$file" "killed.h5.files/$(basename "$file")" || die "a stopped training left another network"
done

note "analysis: the program's networks have their shams and their baseline"
"$FAIRSWEEP" merge killed.h5 --output a.h5
"$FAIRSWEEP" analyze a.h5 --csv csv >table.txt
"$FAIRSWEEP_PYTHON" - <<'PYTHON'
import csv

read = lambda name: list(csv.DictReader(open(f"csv/{name}.csv")))
compressed = [r for r in read("configurations") if r["arm"] == "compressed"]
assert sorted((r["recipe.program"], r["weight_bits"]) for r in compressed) == [(p, b) for p in ("none", "qat") for b in "24"], compressed
for kind in ("compressed - sham", "compressed - dense", "sham - dense"):
    found = sorted(r["recipe.program"] for r in read("contrasts") if (r["kind"], r["metric"]) == (kind, "gap"))
    print(kind, found)
    assert set(found) >= {"none", "qat"} or kind != "compressed - sham", (kind, found)
assert not any("twin" in r["text"] for r in read("warnings")), read("warnings")
PYTHON
"$FAIRSWEEP" report a.h5 --output page.html
grep -q "qat" page.html || die "the page does not name the program"

note "export of the program's network"
point=$("$FAIRSWEEP_PYTHON" -c 'import csv
print(next(r["point"] for r in csv.DictReader(open("csv/points.csv")) if r.get("recipe.program") == "qat"))')
"$FAIRSWEEP" export --store killed.h5 --point "$point" --format safetensors --output network.safetensors
"$FAIRSWEEP" evaluate --architecture iresnet10-w16-56 --weights network.safetensors --data data/test >/dev/null

note "a changed script is another program; a run of the same does nothing"
"$FAIRSWEEP" plan "$job" "${mine[@]}" --store killed.h5 --json >again.json
[ "$(json 'd["stages"] - d["stages_done"]' <again.json)" = 0 ] || { cat again.json; die "a done sweep has stages to run"; }
{ cat "$script"; echo "# changed"; } >changed.py
"$FAIRSWEEP" plan "$job" "${mine[@]}" --set program.qat.depends=changed.py --store killed.h5 --json >changed.json
[ "$(json 'd["stages"] - d["stages_done"]' <changed.json)" = 6 ] || { cat changed.json; die "a changed script must run again"; }

base=(--set sweep.seeds=1 --set "axes.recipe.program=qat" --set "program.qat.depends=$script")
note "a program that leaves embeddings"
"$FAIRSWEEP" run "$job" "${base[@]}" --store embeddings.h5 --workers 2 -q --set program.qat.result=embeddings --set \
    "program.qat.train='$FAIRSWEEP' embed -q --architecture {architecture} --weights {baseline} --images {evaluation_data} --output {artefact}"
"$FAIRSWEEP" status embeddings.h5 --json >status.json
[ "$(json 'd["points"]["done"], d["points"]["total"]' <status.json)" = "(2, 2)" ] || { cat status.json; die "embeddings"; }

note "a program that leaves scores"
cat >matcher.py <<'PYTHON'
import pathlib
import random
import sys

data, bits, seed, out = sys.argv[1:]
draw = random.Random(f"{bits} {seed}")
with open(out, "w") as table:
    table.write("group,same,score,identity_a,identity_b\n")
    for file in sorted(pathlib.Path(data).glob("txts/*/*_pairs.txt")):
        for line in file.read_text().splitlines():
            words = line.split()
            people = (words[0], words[0]) if len(words) == 3 else (words[0], words[2])
            same = int(people[0] == people[1])
            table.write(f"{file.parent.name},{same},{max(-1, min(1, 0.6 * same - 0.3 + draw.gauss(0, 0.3)))},{people[0]},{people[1]}\n")
PYTHON
matcher="'$FAIRSWEEP_PYTHON' matcher.py {evaluation_data} {bits} {arm}-{seed} {artefact}"
"$FAIRSWEEP" run "$job" "${base[@]}" --store scores.h5 --workers 2 -q --set program.qat.result=scores \
    --set "program.qat.train=$matcher" --set program.qat.depends=matcher.py --set program.qat.arms=dense,sham,compressed
"$FAIRSWEEP" merge scores.h5 --output scores-analysis.h5
"$FAIRSWEEP" analyze scores-analysis.h5 --csv scores >table.txt
"$FAIRSWEEP_PYTHON" - <<'PYTHON'
import csv

gaps = [r for r in csv.DictReader(open("scores/contrasts.csv")) if (r["kind"], r["metric"]) == ("compressed - sham", "gap")]
assert len(gaps) == 2, gaps
PYTHON
point=$("$FAIRSWEEP_PYTHON" -c 'import csv; print(next(csv.DictReader(open("scores/points.csv")))["point"])')
expect 2 "no network" "$FAIRSWEEP" export --store scores.h5 --point "$point" --format onnx --output network.onnx

note "a program that fails is reported with its last words"
expect 1 "ValueError: too few bits" "$FAIRSWEEP" run "$job" "${base[@]}" --store failing.h5 --workers 0 --set program.qat.result=scores \
    --set "program.qat.train='$FAIRSWEEP_PYTHON' -c 'raise ValueError(\"too few bits\")' {artefact} {bits}"
