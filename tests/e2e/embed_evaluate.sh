#!/usr/bin/env bash
# Foreign weights to embeddings to figures: a .pth that Python's torch wrote, faces of `data make`, and every number again in
# Python from the embedding file alone.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
here=$(dirname "${BASH_SOURCE[0]}")
network=(--architecture mobilefacenet-w16-56 --weights w.pth --threads 1)

note "faces and weights"
make_faces
/usr/bin/python3 "$here/foreign_weights.py" w.pth train.pth
lists=(); for group in A B C D; do lists+=("$group=data/test/txts/$group/${group}_pairs.txt"); done

note "embeddings: the same file from one process, one rank and three"
"$FAIRSWEEP" embed "${network[@]}" --images data/test/data --output e.h5 --batch 8 2>progress.txt
grep -q '96/96 images' progress.txt || die "no progress"
for ranks in 1 3; do
    mpirun --oversubscribe --bind-to none -n $ranks "$FAIRSWEEP" embed "${network[@]}" --images data/test/data --output "e$ranks.h5" --batch 8 -q
    cmp e.h5 "e$ranks.h5" || die "$ranks ranks give another file"
done
(cd data/test/data && find . -name '*.jpg' | sort -r) >data/test/data/list.txt
"$FAIRSWEEP" embed "${network[@]}" --images data/test/data/list.txt --output listed.h5 --flip -q

note "loose crops are reported once, with their number, size and what to do, from however many ranks"
[ "$(grep -c 'warning' progress.txt)" -eq 1 ] || { cat progress.txt; die "not one warning"; }
grep -Eq '96 images are not 56x56 and were resized to it \(96 of [0-9]+x[0-9]+\).*fairsweep evaluate --data' progress.txt || { cat progress.txt; die "unaligned crops"; }
mpirun --oversubscribe --bind-to none -n 2 "$FAIRSWEEP" embed "${network[@]}" --images data/test/data --output e2.h5 --batch 8 2>ranks.txt
[ "$(grep -c '96 images are not 56x56' ranks.txt)" -eq 1 ] || { cat ranks.txt; die "the warning of two ranks"; }

note "the checkpoint of a training script: the same embeddings, and one line about what is left out"
"$FAIRSWEEP" embed --architecture mobilefacenet-w16-56 --weights train.pth --threads 1 --images data/test/data --output trained.h5 --batch 8 2>trained.txt
grep -q "not used of the weights' file: fc.weight; 1 tensor under optimizer" trained.txt || { cat trained.txt; die "the head is not named"; }
"$FAIRSWEEP_PYTHON" -c 'import h5py; a, b = (h5py.File(f)["embeddings"][:].tobytes() for f in ("e.h5", "trained.h5")); assert a == b' || die "other embeddings"

note "PNGs of 16 bits, with gAMA and with alpha: the pixels of the plain one, embeddings bit for bit"
mkdir -p png && "$FAIRSWEEP_PYTHON" "$here/png_kinds.py" png
"$FAIRSWEEP" embed "${network[@]}" --images png --output png.h5 --batch 1 2>png.txt
"$FAIRSWEEP_PYTHON" -c 'import h5py; rows = h5py.File("png.h5")["embeddings"][:]; assert len(rows) == 6 and all(row.tobytes() == rows[0].tobytes() for row in rows)' ||
    die "a PNG is read as another picture"
grep -q warning png.txt && { cat png.txt; die "a warning about aligned faces"; }

note "figures, recomputed in Python"
"$FAIRSWEEP" evaluate --embeddings e.h5 --pairs "${lists[@]}" --json >e.json
"$FAIRSWEEP" evaluate --embeddings listed.h5 --pairs "${lists[@]}" --json >listed.json
"$FAIRSWEEP_PYTHON" "$here/recompute_evaluation.py" "$(sha256sum w.pth | cut -d' ' -f1)" "${lists[@]}"
"$FAIRSWEEP" evaluate --embeddings foreign.h5 --pairs "${lists[@]}" --json | cmp - e.json || die "a file that h5py wrote"
"$FAIRSWEEP" evaluate --embeddings e.h5 --pairs data/test/txts/*/*_pairs.txt --json | cmp - e.json || die "groups by file name"
"$FAIRSWEEP" evaluate --embeddings e.h5 --pairs "${lists[@]}" >table.txt && grep -q 'STD (ddof 1)' table.txt || die "no table"

note "one changed bit of the file of embed is found; files of others are read apart"
cp e.h5 changed.h5
printf '\x20' | dd of=changed.h5 bs=1 seek=12815 conv=notrunc status=none
cmp -s e.h5 changed.h5 && printf '\x21' | dd of=changed.h5 bs=1 seek=12815 conv=notrunc status=none
expect 2 'changed.h5.*bytes that were changed.*fairsweep embed' "$FAIRSWEEP" evaluate --embeddings changed.h5 --pairs "${lists[@]}"
expect 3 'an embedding file.*fairsweep evaluate --embeddings e.h5' "$FAIRSWEEP" analyze e.h5
expect 3 'an embedding file.*fairsweep evaluate --embeddings foreign.h5' "$FAIRSWEEP" status foreign.h5

note "weights and data"
"$FAIRSWEEP" evaluate "${network[@]}" --data rfw=data/test --json -q >data.json
[ "$(json 'sorted(d["groups"]) == list("ABCD") and d["at"]["accuracy"]["threshold_source"] == "test"' <data.json)" = True ] || die "data"
"$FAIRSWEEP" evaluate "${network[@]}" --data data/test --json -q | cmp - data.json || die "the name of the data changed a figure"
mpirun --oversubscribe --bind-to none -n 2 "$FAIRSWEEP" evaluate "${network[@]}" --data data/test --json -q | cmp - data.json ||
    die "two ranks give other figures"

note "in bfloat16: rows of float32, close to those of float32"
"$FAIRSWEEP" embed "${network[@]}" --images data/test/data --output bf16.h5 --batch 8 --precision bf16 -q
"$FAIRSWEEP_PYTHON" - <<'PYTHON'
import h5py, numpy as np
exact, rough = h5py.File("e.h5"), h5py.File("bf16.h5")
assert rough.attrs["precision"] in ("bf16", b"bf16") and exact.attrs["precision"] in ("fp32", b"fp32")
a, b = exact["embeddings"][:].astype(float), rough["embeddings"][:].astype(float)
cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
assert 0.998 < cosine.min() < 1 - 1e-9, cosine.min()
PYTHON
expect 2 'fp32 or bf16' "$FAIRSWEEP" embed "${network[@]}" --images data/test/data --output no.h5 --precision fp16

note "checkpoints of a sweep, quantised ones too: the sweep's own figures"
"$FAIRSWEEP" run "$FAIRSWEEP_SOURCE_DIR/jobs/smoke.cfg" --store sweep.h5 --workers 0 -q
"$FAIRSWEEP" merge sweep.h5 --output analysis.h5 -q
"$FAIRSWEEP" analyze analysis.h5 --csv csv -q >/dev/null
"$FAIRSWEEP_PYTHON" "$here/same_as_sweep.py" "$FAIRSWEEP" csv/groups.csv sweep.h5.files data/test

note "a checkpoint of a sweep says its architecture"
checkpoint=$(ls sweep.h5.files/*.ckpt | head -n 1)
"$FAIRSWEEP" embed --weights "$checkpoint" --images png --output own.h5 --threads 1 -q
[ "$("$FAIRSWEEP_PYTHON" -c 'import h5py; a = h5py.File("own.h5").attrs["architecture"]; print(a if isinstance(a, str) else a.decode())')" = iresnet10-w16-56 ] || die "architecture"

note "what is wrong is said once, with the place; exit 2"
mkdir bad && cp data/test/data/A/*/*_0001.jpg bad/ && echo no >bad/zz.jpg
expect 2 'bad/zz.jpg' "$FAIRSWEEP" embed "${network[@]}" --images bad --output bad.h5
expect 2 'bad/zz.jpg.*rank 1' mpirun --oversubscribe --bind-to none -n 2 "$FAIRSWEEP" embed "${network[@]}" --images bad --output bad.h5 --batch 2 -q
[ ! -e bad.h5 ] || die "half a file was left"
expect 2 'no activation ranges' "$FAIRSWEEP" embed "${network[@]}" --images bad --output bad.h5 --bits 8
expect 2 'they fit --architecture mobilefacenet-w16-56' "$FAIRSWEEP" embed --architecture iresnet18 --weights w.pth --images bad --output bad.h5
expect 2 'its tensors fit --architecture mobilefacenet-w16-56' "$FAIRSWEEP" embed --weights w.pth --images bad --output bad.h5
expect 2 'no folder nowhere' "$FAIRSWEEP" embed "${network[@]}" --images bad --output nowhere/e.h5
expect 2 'no image' "$FAIRSWEEP" embed "${network[@]}" --images data/train --output e9.h5
printf 'nobody\t1\t2\n' >strange_pairs.txt
expect 2 'strange_pairs.txt, line 1.*nobody/nobody_0001' "$FAIRSWEEP" evaluate --embeddings e.h5 --pairs strange_pairs.txt
expect 2 'second list for group A' "$FAIRSWEEP" evaluate --embeddings e.h5 --pairs A=strange_pairs.txt A=strange_pairs.txt
expect 2 'bad/zz.jpg' "$FAIRSWEEP" evaluate --embeddings bad/zz.jpg --pairs "${lists[@]}"
expect 2 '/embeddings' "$FAIRSWEEP" evaluate --embeddings no_embeddings.h5 --pairs "${lists[@]}"
expect 2 'neither --embeddings nor --weights' "$FAIRSWEEP" evaluate --pairs "${lists[@]}"
head -c 20000 e.h5 >cut.h5
expect 2 'cut.h5' "$FAIRSWEEP" evaluate --embeddings cut.h5 --pairs "${lists[@]}"
