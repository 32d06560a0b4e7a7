#!/usr/bin/env bash
# Sweeps that train on GPUs, pretended ones (tests/support/pretended_gpu.cpp): the processor's figures, a GPU for every worker, and a word
# where there is none.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
plugin=$1
job=$FAIRSWEEP_SOURCE_DIR/jobs/smoke.cfg
make_faces
both=(--set "axes.recipe.device=cpu, cuda")

note "no plugin, and no GPU: said before anything runs"
FAIRSWEEP_CUDA_PLUGIN=/nowhere.so expect 4 "cannot train on a GPU.*there is no /nowhere.so.*recipe.device = cpu" \
    "$FAIRSWEEP" run "$job" --set recipe.device=cuda --store none.h5 --workers 1 -q
FAIRSWEEP_CUDA_PLUGIN=/nowhere.so expect 4 "cannot train on a GPU.*there is no /nowhere.so" \
    "$FAIRSWEEP" run "$job" --set recipe.device=cuda --store none.h5 --workers 0 -q
export FAIRSWEEP_CUDA_PLUGIN=$plugin
FAIRSWEEP_PRETENDED_GPUS=0 expect 4 "cannot train on a GPU.*the driver shows no GPU" \
    "$FAIRSWEEP" run "$job" --set recipe.device=cuda --store none.h5 --workers 1 -q
expect 2 "recipe.precision.*recipe.device = cuda: only GPUs" "$FAIRSWEEP" plan "$job" --set recipe.precision=tf32
"$FAIRSWEEP" plan "$job" --set recipe.precision=tf32 --set recipe.device=cuda >plan.txt
if ! grep -q "on GPUs *7 " plan.txt || ! grep -q "no GPU was timed" plan.txt; then cat plan.txt; die "the plan does not tell of GPUs"; fi
[ "$("$FAIRSWEEP" plan "$job" "${both[@]}" --json | json 'd["stages_on_gpus"]')" = 7 ] || die "not 7 stages on GPUs beside those of cores"
"$FAIRSWEEP" --version | grep -q "pretended GPU" || die "--version does not tell the GPU"

note "one process, and two workers with a GPU each, train on both: the same scores"
check() {  # check STORE
    "$FAIRSWEEP" merge "$1.h5" --output "$1-analysis.h5" -q
    "$FAIRSWEEP_PYTHON" - "$1-analysis.h5" <<'PY'
import sys

import h5py
import numpy

with h5py.File(sys.argv[1]) as file:
    device = file["points/recipe.device"].asstr()[:]
    rows = {name: file["scores"][device == name] for name in ("cpu", "cuda")}
    assert (file["points/state"].asstr()[:] == "done").all()
assert len(rows["cpu"]) == 3 and rows["cpu"].shape == rows["cuda"].shape, [len(each) for each in rows.values()]
numpy.testing.assert_array_equal(rows["cpu"], rows["cuda"])
PY
}
"$FAIRSWEEP" run "$job" "${both[@]}" --store alone.h5 --workers 0 -q
check alone
export FAIRSWEEP_PRETENDED_GPUS=2 FAIRSWEEP_PRETENDED_BUS=e2e-$$
"$FAIRSWEEP" run "$job" "${both[@]}" --store two.h5 --workers 2 2>two.log
check two
for gpu in 0 1; do
    [ "$(grep -c "trains on pretended GPU (bus $FAIRSWEEP_PRETENDED_BUS.$gpu)" two.log)" -eq 1 ] || { cat two.log; die "GPU $gpu has not one worker"; }
done

note "more workers than GPUs"
expect 2 "--workers.*at most 2: each trains on a GPU of its own" "$FAIRSWEEP" run "$job" "${both[@]}" --store three.h5 --workers 3 -q
FAIRSWEEP_RANKS_PER_GPU=x expect 2 "FAIRSWEEP_RANKS_PER_GPU" "$FAIRSWEEP" run "$job" "${both[@]}" --store three.h5 --workers 3 -q
FAIRSWEEP_RANKS_PER_GPU=2 "$FAIRSWEEP" run "$job" "${both[@]}" --store three.h5 --workers 3 -q
check three
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Under a launcher nobody counts them before: the rank that finds none leaves, the others do its work.
mpirun --enable-recovery --oversubscribe --bind-to none -n 4 "$FAIRSWEEP" run "$job" "${both[@]}" --store four.h5 >four.log 2>&1 || true
grep -q "every GPU that this rank sees is taken by another rank" four.log || { cat four.log; die "no word on the third worker"; }
if grep -q "it failed (" four.log; then cat four.log; die "a worker without a GPU has cost a stage an attempt"; fi
check four
note "GPUs are bound and used"
