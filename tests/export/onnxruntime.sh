#!/usr/bin/env bash
# onnxruntime, an independent implementation, computes from exported models what fairsweep computes.
set -euo pipefail
OMP_NUM_THREADS=1 "$FAIRSWEEP_PYTHON" "$FAIRSWEEP_SOURCE_DIR/tests/export/compare_onnxruntime.py" "$FAIRSWEEP_BINARY_DIR/tests/write_models"
