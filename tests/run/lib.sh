# Sourced by the scripts that run fake stages under mpirun: what they all look for.
fake=$FAIRSWEEP_BINARY_DIR/tests/fake_run
die() { cat log.txt >&2; printf 'FAILED: %s\n' "$*" >&2; exit 1; }
expect() {  # expect CODE PATTERN COMMAND...: exit code, and a pattern somewhere in what it says
    local code=$1 pattern=$2 status=0
    shift 2
    "$@" >log.txt 2>&1 || status=$?
    [ "$status" -eq "$code" ] || die "exit $status, expected $code: $*"
    tr '\n' ' ' <log.txt | grep -Eq -- "$pattern" || die "no '$pattern' from: $*"
}
count() { "$fake" dump "$1" | grep -c " $2\( \|\$\)" || true; }
rank() {  # rank STORE R: the process of that rank
    local pid
    for pid in $(pgrep -f -- "--store $1( |\$)"); do
        [ "$(readlink "/proc/$pid/cwd")" = "$PWD" ] || continue
        if tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$2"; then echo "$pid"; fi
    done
}
wait_until() {  # wait_until WHAT COMMAND...: at most 20 s
    local what=$1
    shift
    for _ in $(seq 200); do "$@" && return 0; sleep 0.1; done
    die "waited in vain for $what"
}
is_running() { grep -q '"running": [1-9]' "$1.live.json" 2>/dev/null; }
