#!/usr/bin/env bash
# Memory of merge and analyze does not grow with points x pairs: measured on stores of which no network was trained.
# --long: 10^4 points of 24,000 pairs within 4 GB, and the merge of two such stores (about 3 GB of disk each; hours on a busy machine).
set -eu
large=$FAIRSWEEP_BINARY_DIR/tests/make_large_sweep

# peak COMMAND...: runs it; its peak memory in kB is on standard output, with its wall time on standard error.
peak() {
    "$FAIRSWEEP_PYTHON" - "$@" <<'PYTHON'
import resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"{' '.join(sys.argv[1:3])}: {kilobytes / 1024:.0f} MiB, {time.monotonic() - start:.0f} s", file=sys.stderr)
print(kilobytes)
PYTHON
}
# at_most KB LIMIT WHAT
at_most() { [ "$1" -le "$2" ] || { echo "FAILED: $3: $1 kB, more than $2" >&2; exit 1; }; }

if [ -z "${FAIRSWEEP_TEST_LONG:-}" ]; then
    # Twice the points have 12 MB more of scores; what was kept of a network used to be 10 bytes a pair and more.
    "$large" a.h5 485 6000
    "$large" b.h5 970 6000
    one=$(peak "$FAIRSWEEP" merge a.h5 --output a.analysis.h5)
    two=$(peak "$FAIRSWEEP" merge b.h5 --output b.analysis.h5)
    at_most $((two - one)) 10000 "merge of twice the points takes more memory than their rows"
    one=$(peak "$FAIRSWEEP" analyze a.analysis.h5 --replicates 200)
    two=$(peak "$FAIRSWEEP" analyze b.analysis.h5 --replicates 200)
    at_most $((two - one)) 25000 "analysis of twice the points takes more memory than their figures"
    exit 0
fi
limit=4000000
"$large" a.h5 10000 24000 1
at_most "$(peak "$FAIRSWEEP" merge a.h5 --output a.analysis.h5)" $limit merge
at_most "$(peak "$FAIRSWEEP" analyze a.analysis.h5)" $limit analyze
rm a.analysis.h5
"$large" b.h5 10000 24000 101
at_most "$(peak "$FAIRSWEEP" merge a.h5 b.h5 --output ab.analysis.h5)" $limit "merge of two stores"
