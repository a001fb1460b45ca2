#!/bin/bash
# Runs VTC scripts against the daemon.
#
#   tests/http/run_vtc.sh SHELLAC SCRIPT.vtc...        VTC_TIMEOUT=SECONDS for each (default 60), VTC_VERBOSE=1 shows all
#
# Macros beside varnishtest's own:
#   ${shellac}   the program        ${run}   starts it: `process p1 "${run}" -start`. It reads ${tmpdir}/shellac.yaml,
#                                            prints what --ready-fd tells on the virtual screen, logs to standard error
#   ${ready}     the pattern to wait for: `process p1 -expect-text 0 0 "${ready}"`
#   ${common}    the keys that every script's configuration begins with: two workers, no access log, stay root, and the
#                admin API at ${tmpdir}/admin.sock
#   ${wait_metric}   waits for a line of the metrics (wait_metric.sh)
set -euo pipefail

if [ $# -lt 2 ]; then
  echo "usage: run_vtc.sh SHELLAC SCRIPT.vtc..." >&2
  exit 2
fi
shellac=$(readlink -f "$1")
here=$(dirname "$(readlink -f "$0")")
shift

# varnishtest makes its ${tmpdir} in TMPDIR; a Unix socket's path may have 107 octets.
export TMPDIR=${VTC_TMPDIR:-/tmp}
# A sanitizer's finding is an exit code that no script expects, so the script fails.
export ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=99:detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-exitcode=99:halt_on_error=1}

common='workers: 2
user: root
log: { level: debug, access: { format: off } }
admin: { listen: "unix:admin.sock" }
'
flags=()  # quiet when all is well, everything when not
if [ -n "${VTC_VERBOSE:-}" ]; then flags=(-v); fi
exec varnishtest "${flags[@]}" -t "${VTC_TIMEOUT:-60}" \
  -D "shellac=$shellac" \
  -D "run=exec $shellac run --config shellac.yaml --ready-fd 1" \
  -D "ready=ready" \
  -D "common=$common" \
  -D "wait_metric=bash '$here/wait_metric.sh'" \
  "$@"
