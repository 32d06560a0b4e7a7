#!/usr/bin/env bash
# The store and the analysis file as C++ writes them, read by h5py.
set -eu
exec "$FAIRSWEEP_PYTHON" "$FAIRSWEEP_SOURCE_DIR/tests/store/h5py_reads.py" "$FAIRSWEEP_BINARY_DIR/tests/write_example"
