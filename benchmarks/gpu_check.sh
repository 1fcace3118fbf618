#!/usr/bin/env bash
# One command for a machine with a CUDA device: kernels against the reference, a simulated year on CPU and GPU
# compared bit for bit, and speed.  Takes less than nine minutes; the result goes to benchmarks/results/.
#
#     benchmarks/gpu_check.sh [python]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="${1:-python}"
results="benchmarks/results"
mkdir -p "$results"
file="$results/gpu_$(date -u +%Y-%m-%d).txt"

if ! why=$("$python" -c 'import trabsim; print(trabsim.get_backend("cupy").device_name)' 2>&1); then
    echo "no usable CUDA device: ${why##*$'\n'}" >&2
    exit 2
fi

failed=0
step() {
    local limit="$1" name="$2"
    shift 2
    echo "== $name"
    timeout "$limit" "$@" || {
        echo "FAILED: $name (exit $?)"
        failed=1
    }
}

check() {
    echo "date: $(date -u +%Y-%m-%dT%H:%MZ)"
    echo "commit: $(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
    echo "device: $why"
    "$python" -c 'import cupy; print("cupy", cupy.__version__, "CUDA", cupy.cuda.runtime.runtimeGetVersion())'
    step 90 "kernels on the device" "$python" -m pytest -q -p no:cacheprovider -m gpu tests/contract
    step 320 "parity and speed of whole runs" "$python" benchmarks/gpu_check.py
    step 60 "fields on the device" "$python" benchmarks/bench_fields.py --backend cupy --shape 256
    step 60 "fields on the CPU" "$python" benchmarks/bench_fields.py --backend numpy --shape 200
    if [ "$failed" = 0 ]; then echo "ALL GOOD"; else echo "NOT GOOD: see FAILED above"; fi
    return "$failed"
}

check 2>&1 | tee "$file"
