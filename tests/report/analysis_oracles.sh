#!/usr/bin/env bash
# What analyze writes, computed again by numpy, scikit-learn and statsmodels.
set -eu
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1  # spinning threads starve each other on a busy machine
"$FAIRSWEEP_BINARY_DIR/tests/make_synthetic_sweep" sweep.h5 analysis.h5 scores.csv
"$FAIRSWEEP" analyze analysis.h5 --csv tables > table.txt
"$FAIRSWEEP_PYTHON" "$FAIRSWEEP_SOURCE_DIR/tests/report/analysis_oracles.py"
# Again: the same tables, byte for byte, and no growth.
size=$(stat -c %s analysis.h5)
"$FAIRSWEEP" analyze analysis.h5 --csv again > table2.txt
cmp table.txt table2.txt
diff -r tables again
[ "$(stat -c %s analysis.h5)" -eq "$size" ]
# Bad input: one error, the contract's exit code, nothing written.
expect() { code=$1; shift; set +e; "$@" > out.txt 2> err.txt; got=$?; set -e; [ $got -eq "$code" ] || { echo "exit $got, not $code: $*"; cat err.txt; exit 1; }; [ ! -s out.txt ]; }
expect 2 "$FAIRSWEEP" analyze
expect 2 "$FAIRSWEEP" analyze analysis.h5 --replicates 3
expect 3 "$FAIRSWEEP" analyze missing.h5
head -c 20000 analysis.h5 > cut.h5
expect 3 "$FAIRSWEEP" analyze cut.h5 --csv from_cut
echo "this is no HDF5 file" > foreign.h5
expect 3 "$FAIRSWEEP" analyze foreign.h5
[ ! -e from_cut ]
expect 3 "$FAIRSWEEP" report missing.h5 --output r.html
