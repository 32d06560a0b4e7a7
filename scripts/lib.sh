# Shared by the scripts beside it: where things are, how messages look. Sourced, not run.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=$root/.deps
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fairsweep
# LibTorch of a build for GPUs: one of those that scripts/setup knows a compiler for.
torch_version=${FAIRSWEEP_TORCH_VERSION:-2.15.0}
cuda_deps=$deps/cuda-$torch_version

say() { printf '%s\n' "fairsweep: $*" >&2; }
fail() {
    printf '%s\n' "fairsweep: error: $1" >&2
    shift
    [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
    exit 1
}

# Runs a command quietly; shows the end of what it printed when it fails.
quietly() {
    local what=$1 log
    shift
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        fail "$what failed: $*"
    fi
    rm -f "$log"
}

# Parallel compile jobs: one per core, but 2 GB of memory each (a file that includes LibTorch takes that much).
compile_jobs() {
    local cores memory_gb
    cores=$(nproc)
    memory_gb=$(awk '/^MemAvailable/ {print int($2 / 1000000)}' /proc/meminfo)
    local by_memory=$((memory_gb / 2))
    [ "$by_memory" -ge 1 ] || by_memory=1
    echo $((cores < by_memory ? cores : by_memory))
}
