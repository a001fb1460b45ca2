#!/bin/bash
# Waits until the metrics of the daemon that a VTC script started have a line like this (an extended regular expression
# for the whole line), and leaves them in the file `metrics`; after ten seconds it fails. `!` before it: until none has.
#
#   shell "${wait_metric} 'shellac_backend_queue.*any.* 1'"
set -euo pipefail

wanted=yes
if [ "$1" = "!" ]; then
  wanted=no
  shift
fi
for _ in $(seq 400); do
  curl -sS -m 5 -o metrics --unix-socket admin.sock http://localhost/metrics
  found=no
  if grep -qxE -e "$1" metrics; then found=yes; fi
  if [ $found = $wanted ]; then exit 0; fi
  sleep 0.025
done
echo "wait_metric: never like $1; the metrics are" >&2
grep -E '^shellac_(backend|sticky|retries)' metrics >&2
exit 1
