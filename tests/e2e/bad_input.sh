#!/usr/bin/env bash
# What users get wrong: one clear error each, the exit code of the contract, nothing half-written.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
job=$FAIRSWEEP_SOURCE_DIR/jobs/smoke.cfg
make_faces
run() { "$FAIRSWEEP" run "$job" --store bad.h5 --workers 0 "$@"; }
nothing_written() { [ ! -e bad.h5 ] && [ ! -e bad.h5.journal ] || die "a store was left behind"; }

note "command line"
expect 2 'did you mean .?run' "$FAIRSWEEP" rnu
expect 2 'did you mean --store' run --stroe x
expect 2 'workers' "$FAIRSWEEP" run "$job" --store bad.h5 --workers 1000
nothing_written

note "job file"
expect 2 'No such file' "$FAIRSWEEP" run absent.cfg --store bad.h5
sed 's/^architecture/architecure/' "$job" >misspelt.cfg
expect 2 'misspelt.cfg.*architecure.*architecture' "$FAIRSWEEP" run misspelt.cfg --store bad.h5
expect 2 'no point: its rules' run --set 'constraint.exclude=sparsity == 0.0'
expect 2 'bits' run --set axes.bits=0
expect 2 'bits' run --set axes.bits=33
expect 2 'sparsity' run --set axes.sparsity=1.0
expect 2 'architecture.*nothing' run --set axes.architecture=
expect 2 'iresnet18' run --set axes.architecture=resnet18
nothing_written

note "data"
expect 2 'data/absent' run --set data.faces.path=data/absent
expect 2 'is there and is no set of the format recordio' run --set data.faces.path=data/test
cp -r data broken
truncate -s -1000 broken/train/train.rec
expect 2 'train.rec.*offset' run --set data.faces.path=broken/train
cp data/train/train.rec broken/train/train.rec
printf 'XXXX' | dd of=broken/train/train.rec conv=notrunc status=none
expect 2 'train.rec.*offset 0.*magic' run --set data.faces.path=broken/train
pairs=broken/test/txts/A/A_pairs.txt
cp $pairs pairs.txt
sed -i '3s/.*/nobody\t1\t2/' $pairs
expect 2 'A_pairs.txt.*3' run --set data.test.path=broken/test
head -9 pairs.txt >$pairs
expect 2 'group A.*data set test.*9 pairs.*at least ten' run --set data.test.path=broken/test
expect 2 'group A.*9 pairs' "$FAIRSWEEP" plan "$job" --set data.test.path=broken/test
awk 'NF == 4' pairs.txt >$pairs
expect 2 'group A.*none of the same person' run --set data.test.path=broken/test
awk 'NF == 4 && !done { print $1, $2, $1, $4; done = 1; next } 1' pairs.txt >$pairs
expect 2 'names one person twice.*A_pairs.txt, line [0-9]+' run --set data.test.path=broken/test
(cat pairs.txt; head -1 pairs.txt; awk 'NF == 3 { print $1, $2, $2; exit }' pairs.txt) >$pairs
expect 0 'data set test.*1 pair .pair 42 of group A. of an image with itself.*1 pair .pair 41 of group A.' \
    "$FAIRSWEEP" plan "$job" --set data.test.path=broken/test
cp pairs.txt $pairs
sed -i '2s/[0-9.]*$/99999/' broken/test/txts/A/A_lmk.txt
expect 2 'A_lmk.txt.*2' run --set data.test.path=broken/test
nothing_written
expect 1 'train.rec' "$FAIRSWEEP" data describe broken/train

unset DATA
expect 2 'ms1mv2: the environment variable DATA is not set .*rfw-quantisation.cfg, line [0-9]+, key data.ms1mv2.path' \
    "$FAIRSWEEP" run "$FAIRSWEEP_SOURCE_DIR/jobs/rfw-quantisation.cfg" --store bad.h5
expect 0 'ms1mv2 +MISSING +the environment variable DATA is not set' "$FAIRSWEEP" plan "$FAIRSWEEP_SOURCE_DIR/jobs/rfw-quantisation.cfg" --workers 256
(mkdir -p elsewhere && cd elsewhere && expect 2 "nothing at $PWD/[a-z/]+.*begin in the folder you are in" "$FAIRSWEEP" run "$job" --store bad.h5)

note "store"
run -q
cp bad.h5 other.h5
# Changed by another program: the seal is gone. (A store of another version, seal and all, is made in tests/store.)
"$FAIRSWEEP_PYTHON" - <<'PY'
import h5py
with h5py.File("other.h5", "r+") as f:
    f.attrs["version"] = 999
PY
expect 3 'other.h5.*seal' "$FAIRSWEEP" status other.h5
: >making.h5.lock
expect 3 'making.h5.*a run that is just making it' flock making.h5.lock "$FAIRSWEEP" status making.h5
expect 3 'other.h5.*seal' "$FAIRSWEEP" merge other.h5 --output merged.h5
printf 'not a store' >text.h5
expect 3 'text.h5' "$FAIRSWEEP" status text.h5
head -c 3000 bad.h5 >short.h5
expect 3 'short.h5' "$FAIRSWEEP" status short.h5
[ ! -e merged.h5 ] || die "merge left half a file"

note "a wrong file is named with the command that takes it; a changed one reaches no figure"
"$FAIRSWEEP" merge bad.h5 --output a.h5 -q
expect 3 'a store.*fairsweep merge bad.h5 --output' "$FAIRSWEEP" analyze bad.h5
expect 3 'a store.*fairsweep merge bad.h5 --output' "$FAIRSWEEP" report bad.h5 --output page.html
expect 3 'an analysis file.*fairsweep analyze a.h5' "$FAIRSWEEP" status a.h5
expect 3 'an analysis file.*fairsweep analyze a.h5' "$FAIRSWEEP" merge a.h5 --output b.h5
"$FAIRSWEEP" analyze a.h5 >before.txt 2>/dev/null
cp a.h5 changed.h5
"$FAIRSWEEP_PYTHON" - <<'PY'
# The bias of the exponent of the scores' number type: HDF5 reads all scores doubled, without a word.
import h5py
with h5py.File("changed.h5") as f:
    before = f["scores"][0, 0]
data = bytearray(open("changed.h5", "rb").read())
ieee32 = bytes([0x11, 0x20, 0x1f, 0x00, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0])  # HDF5's datatype message
found = [at for at in range(len(data)) if data[at:at + len(ieee32)] == ieee32]
assert len(found) == 1, found
data[found[0] + 16] ^= 1
open("changed.h5", "wb").write(data)
with h5py.File("changed.h5") as f:
    assert f["scores"][0, 0] != before
PY
expect 3 'changed.h5.*bytes that were changed.*fairsweep merge' "$FAIRSWEEP" analyze changed.h5
expect 3 'changed.h5.*bytes that were changed.*fairsweep merge' "$FAIRSWEEP" report changed.h5 --output page.html
cp a.h5 other.h5
"$FAIRSWEEP_PYTHON" -c 'import h5py; h5py.File("other.h5", "r+")["figures/auc"][0] = 1.0'
expect 3 'other.h5.*changed by another program.*fairsweep merge' "$FAIRSWEEP" report other.h5 --output page.html
[ ! -e page.html ] && [ ! -e b.h5 ] || die "a page of a changed file"

note "folders and disks"
expect 4 '/proc' "$FAIRSWEEP" run "$job" --store /proc/none/s.h5 --workers 0
expect 4 '/proc' "$FAIRSWEEP" merge bad.h5 --output /proc/none/a.h5
expect 2 '/proc' "$FAIRSWEEP" data make --out /proc/none/faces
# A full disk: the file-size limit makes every write past it fail, as ENOSPC would. Stages that cannot leave their file fail as `io`.
status=0
(ulimit -f 64; trap '' XFSZ; "$FAIRSWEEP" run "$job" --store full.h5 --workers 0) >out.txt 2>err.txt || status=$?
[ $status -eq 1 ] && grep -q 'full.h5.files/.*tmp' err.txt && grep -q -- '--only failed' err.txt || { cat err.txt; die "exit $status on a full disk"; }
[ -z "$(find full.h5.files -name '*.tmp*')" ] || die "half a file was left behind"
"$FAIRSWEEP" run "$job" --store full.h5 --workers 0 --only failed,lost -q || die "the store cannot be continued after a full disk"
(ulimit -f 16; trap '' XFSZ; "$FAIRSWEEP" run "$job" --store none.h5 --workers 0) >out.txt 2>err.txt && die "a store that does not fit was laid out"
[ ! -e none.h5 ] || die "half a store was left behind"
