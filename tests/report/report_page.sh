#!/usr/bin/env bash
# The page in a real browser: nothing loaded from outside, no console errors, plots drawn, nothing wider than the screen.
set -eu
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1  # spinning threads starve each other on a busy machine
"$FAIRSWEEP_BINARY_DIR/tests/make_synthetic_sweep" sweep.h5 analysis.h5 scores.csv
expect() { code=$1; said=$2; shift 2; set +e; "$@" > out.txt 2> err.txt; got=$?; set -e
    [ $got -eq "$code" ] && grep -q -- "$said" err.txt || { echo "exit $got, not $code, or nothing about '$said': $*"; cat err.txt; exit 1; }; }
expect 2 "fairsweep analyze" "$FAIRSWEEP" report analysis.h5 --output page.html
"$FAIRSWEEP" analyze analysis.h5 --csv tables > table.txt
expect 2 "\.html or \.md" "$FAIRSWEEP" report analysis.h5 --output page.pdf
expect 2 "scripts/setup" env FAIRSWEEP_PYTHON=/nonexistent/python "$FAIRSWEEP" report analysis.h5 --output page.html
expect 2 "no_such_folder" "$FAIRSWEEP" report analysis.h5 --output no_such_folder/page.html
[ ! -e page.html ] && [ ! -e page.pdf ]
"$FAIRSWEEP" report analysis.h5 --output page.html
"$FAIRSWEEP" report analysis.h5 --output page.md
! grep -qi "drawn faces" page.html page.md || { echo "faces are called drawn that nobody planted anything in"; exit 1; }
"$FAIRSWEEP_PYTHON" "$FAIRSWEEP_SOURCE_DIR/tests/report/report_page.py"
