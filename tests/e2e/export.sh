#!/usr/bin/env bash
# Every point of a small sweep leaves as safetensors and ONNX; what users get wrong is one clear error each.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
job=$FAIRSWEEP_SOURCE_DIR/jobs/smoke.cfg
make_faces
grid=(--set axes.architecture=iresnet10-w16-56,mobilefacenet-w16-56 --set axes.bits=32,8,4 --set axes.sparsity=0,0.5)
"$FAIRSWEEP" run "$job" --store sweep.h5 --workers 0 "${grid[@]}" -q
"$FAIRSWEEP" merge sweep.h5 --output analysis.h5 -q
ids=$("$FAIRSWEEP_PYTHON" -c 'import h5py; print(*h5py.File("analysis.h5")["points/id"].asstr()[:])')
export_as() { "$FAIRSWEEP" export --store sweep.h5 --point "$1" --format "$2" --output "$3" "${@:4}"; }

note "every point in every format"
for id in $ids; do
    short=${id:0:12}
    export_as "$short" onnx "$short.onnx" --json >"$short.json"
    export_as "$id" safetensors "$short.safetensors" >"$short.txt"
    export_as "${id:0:8}" safetensors "$short.packed" --packed -q >"$short.packed.txt"
    grep -q "packed ($(json 'd["packed_bytes"]' <"$short.json") bytes" "$short.txt" || { cat "$short.txt"; die "the size is not printed"; }
done
ls -- *.tmp* 2>/dev/null && die "half a file was left behind"

note "onnxruntime repeats the sweep's scores; the packed codes are the trained weights"
OMP_NUM_THREADS=1 "$FAIRSWEEP_PYTHON" "$FAIRSWEEP_SOURCE_DIR/tests/e2e/check_exports.py"

note "the same bytes again"
first=${ids%% *}
for format in onnx safetensors; do
    export_as "$first" $format again.$format >out.txt
    cmp again.$format "${first:0:12}.$format" || die "two exports of a point differ"
done

note "what users get wrong"
expect 2 'see --help' "$FAIRSWEEP" export --store sweep.h5 --format onnx --output x.onnx
expect 2 'unknown format.*pb.*safetensors or onnx' export_as "$first" pb x.onnx
expect 2 'packed.*safetensors' export_as "$first" onnx x.onnx --packed
expect 2 'no point 0123456789ab.*nearest:.*iresnet10' export_as 0123456789ab onnx x.onnx
expect 2 '4 or more of 64 hex digits' export_as dense onnx x.onnx
expect 2 'absent.h5' "$FAIRSWEEP" export --store absent.h5 --point "$first" --format onnx --output x.onnx
printf 'not a store' >text.h5
expect 2 'text.h5' "$FAIRSWEEP" export --store text.h5 --point "$first" --format onnx --output x.onnx
expect 2 '/proc/none' export_as "$first" onnx /proc/none/x.onnx
expect 2 '/proc/none' export_as "$first" safetensors /proc/none/x.safetensors
expect 2 'x.onnx' export_as "$first" onnx no-such-folder/x.onnx
before=$(sha256sum sweep.h5)
expect 2 'replace a part of the store' export_as "$first" onnx ./sweep.h5
expect 2 'replace a part of the store' export_as "$first" onnx sweep.h5.files/x.ckpt
[ "$(sha256sum sweep.h5)" = "$before" ] || die "the store was changed"
mkdir folder.onnx
expect 2 'folder.onnx' export_as "$first" onnx folder.onnx

note "a point that is not trained"
# A file-size limit makes every stage that leaves a file fail, as a full disk would.
(ulimit -f 64; trap '' XFSZ; "$FAIRSWEEP" run "$job" --store full.h5 --workers 0 -q) >out.txt 2>err.txt && die "a run on a full disk ended well"
untrained=$("$FAIRSWEEP_PYTHON" -c 'import h5py; print(*h5py.File("full.h5")["plan/points/id"].asstr()[:])')
for id in $untrained; do
    expect 2 'not trained.*(failed|skipped)' "$FAIRSWEEP" export --store full.h5 --point "$id" --format onnx --output x.onnx
done

note "sixteen bits"
"$FAIRSWEEP" run "$job" --store wide.h5 --workers 0 -q --set axes.bits=16
wide=$("$FAIRSWEEP_PYTHON" -c 'import h5py; f=h5py.File("wide.h5"); print([i for i, a in zip(f["plan/points/id"].asstr()[:], f["plan/points/arm"].asstr()[:]) if a == "compressed"][0])')
"$FAIRSWEEP" export --store wide.h5 --point "$wide" --format safetensors --packed --output wide.packed >out.txt
status=0
"$FAIRSWEEP" export --store wide.h5 --point "$wide" --format onnx --output wide.onnx >out.txt 2>err.txt || status=$?
if [ $status -ne 0 ]; then  # libonnx before 1.16
    expect 2 'conv1.weight.*16 bits.*opset 21.*safetensors' "$FAIRSWEEP" export --store wide.h5 --point "$wide" --format onnx --output wide.onnx
    [ ! -e wide.onnx ] || die "half a file was left behind"
fi

note "a symmetric network has no zero point but 0, the demo's presets have"
"$FAIRSWEEP" run "$job" --store symmetric.h5 --workers 0 -q --set recipe.preset=modern --set recipe.activation_grid=symmetric --set axes.bits=32,8
symmetric=$("$FAIRSWEEP_PYTHON" -c 'import h5py; f=h5py.File("symmetric.h5"); print([i for i, a in zip(f["plan/points/id"].asstr()[:], f["plan/points/arm"].asstr()[:]) if a == "compressed"][0])')
"$FAIRSWEEP" export --store symmetric.h5 --point "$symmetric" --format onnx --output symmetric.onnx -q >out.txt
compressed=$("$FAIRSWEEP_PYTHON" -c 'import h5py; f=h5py.File("sweep.h5"); print([i for i, a in zip(f["plan/points/id"].asstr()[:], f["plan/points/arm"].asstr()[:]) if a == "compressed"][0])')
"$FAIRSWEEP_PYTHON" "$FAIRSWEEP_SOURCE_DIR/tests/e2e/zero_points.py" symmetric.onnx "${compressed:0:12}.onnx" >zero_points.txt
cat zero_points.txt
grep -Eq '^symmetric.onnx: 0 of [1-9][0-9]+ ' zero_points.txt || die "zero points that a symmetric engine does not take"
grep -Eq ': [1-9][0-9]* of ' zero_points.txt || die "the counter finds none"

note "a network's file is damaged or gone"
network=$("$FAIRSWEEP_PYTHON" -c 'import h5py, sys; f = h5py.File("analysis.h5"); print(dict(zip(f["points/id"].asstr()[:], f["points/network_id"].asstr()[:]))[sys.argv[1]])' "$first")
file=sweep.h5.files/$network.ckpt
cp "$file" whole.ckpt
printf 'XYZ' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") - 1000)) conv=notrunc status=none
expect 2 "$network.ckpt.*CRC-32C" export_as "$first" onnx x.onnx
cp whole.ckpt "$file"
other=$(ls sweep.h5.files/*.ckpt | grep -v "$network" | head -n 1)
cp "$other" "$file"
expect 2 "$network.ckpt.*belongs to something else" export_as "$first" onnx x.onnx
rm "$file"
expect 2 "$network.ckpt.*no such file.*trains it again" export_as "$first" onnx x.onnx
[ ! -e x.onnx ] && [ ! -e x.safetensors ] || die "a refused export left a file"
