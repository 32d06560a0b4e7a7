# Helpers of the whole-program tests. Sourced. FAIRSWEEP, FAIRSWEEP_PYTHON and FAIRSWEEP_SOURCE_DIR come from ctest.
set -euo pipefail
: "${FAIRSWEEP:?}" "${FAIRSWEEP_PYTHON:?}" "${FAIRSWEEP_SOURCE_DIR:?}"
export FAIRSWEEP_PYTHON

note() { printf '== %s\n' "$*"; }
die() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# expect CODE PATTERN COMMAND...: the command exits with CODE and says PATTERN (extended regex) on stderr or stdout.
expect() {
    local code=$1 pattern=$2 status=0
    shift 2
    "$@" >out.txt 2>err.txt || status=$?
    [ "$status" -eq "$code" ] || { cat out.txt err.txt >&2; die "exit $status, expected $code: $*"; }
    cat err.txt out.txt | tr '\n' ' ' | grep -Eq -- "$pattern" || { cat out.txt err.txt >&2; die "no '$pattern' in the output of: $*"; }
    if grep -Eq 'HDF5-DIAG|terminate called|Assertion|internal' err.txt; then cat err.txt >&2; die "a fault of ours shows in: $*"; fi
}

# json EXPRESSION < FILE: evaluates a Python expression on the object `d`.
json() { "$FAIRSWEEP_PYTHON" -c 'import json,sys; d=json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

# Small procedural faces in ./data, the same for every test.
make_faces() {
    "$FAIRSWEEP" data make --out data --identities 6 --images 8 --calibration-identities 4 --calibration-images 6 \
        --test-identities 8 --pairs 40 --seed 5 -q
}
