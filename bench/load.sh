#!/bin/bash
# What a request costs the daemon: wrk against the release build, CPU µs per request of its process (user and system).
#
#   bench/load.sh [-s SECONDS] [-n ROUNDS] [-c CONNECTIONS] [ROLE...]      defaults: 4 s, 3 rounds, 64 connections
#
# Roles (all when none is named):
#   respond      a text of the edge's own             relay-1k relay-64k relay-1m     over six backends, keep-alive
#   tls-respond  the same over TLS 1.3                tls-relay-1k tls-relay-1m       the same behind TLS 1.3
#
# One worker on core 0; load generator and origin on core 1 when there is one. The figure counts, not requests per second:
# on a shared machine only CPU time repeats. Compare two builds with SHELLAC=BINARY in turn, or with the peers' harness.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
seconds=4 rounds=3 connections=64
while getopts s:n:c: option; do
  case $option in
    s) seconds=$OPTARG ;;
    n) rounds=$OPTARG ;;
    c) connections=$OPTARG ;;
    *)
      sed -n '2,8s/^# *//p' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
done
shift $((OPTIND - 1))
roles=("$@")
if [ ${#roles[@]} = 0 ]; then roles=(respond relay-1k relay-64k relay-1m tls-respond tls-relay-1k tls-relay-1m); fi

for tool in wrk openssl; do
  command -v $tool >/dev/null || {
    echo "load.sh: $tool is missing: packaging/install.sh" >&2
    exit 1
  }
done
if [ -z "${SHELLAC:-}" ]; then "$root/packaging/build.sh" release shellac >/dev/null; fi
shellac=${SHELLAC:-$root/build/release/shellac}
"$root/packaging/build.sh" bench bench_origin >/dev/null
origin=$root/build/bench/bench/bench_origin

on_server=() on_client=()
if [ "$(nproc)" -gt 1 ] && command -v taskset >/dev/null; then
  on_server=(taskset -c 0)
  on_client=(taskset -c 1)
fi

run=$(mktemp -d)
started=()
# Called by the trap. shellcheck disable=SC2317,SC2329
finish() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$run"
}
trap finish EXIT

wait_for() {
  for _ in $(seq 200); do
    if grep -q "$1" "$2" 2>/dev/null; then return; fi
    sleep 0.05
  done
  echo "load.sh: $2 never said '$1'" >&2
  cat "$run"/*.log >&2 || true
  exit 1
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$run/www.key" -out "$run/www.crt" -days 2 \
  -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null

"${on_client[@]}" "$origin" 6 >"$run/ports" &
started+=($!)
for _ in $(seq 100); do
  if [ "$(wc -l <"$run/ports")" = 6 ]; then break; fi
  sleep 0.05
done

{
  cat <<CONFIG
workers: 1
user: root
log: { level: warn, access: { format: off } }
admin: { listen: "unix:admin.sock" }
limits: { connections_per_client: 20000 }
listeners:
  - { name: http, bind: "127.0.0.1:0" }
  - { name: https, bind: "127.0.0.1:0", tls: { certificates: [ { chain: www.crt, key: www.key } ] } }
routes:
  - { name: own, match: { path: /own }, respond: { body: "hello\n", type: text/plain } }
  - { name: rest, pool: web }
pools:
  web:
    backends:
CONFIG
  number=0
  while read -r port; do
    number=$((number + 1))
    echo "      - { name: b$number, address: \"127.0.0.1:$port\" }"
  done <"$run/ports"
} >"$run/shellac.yaml"

"${on_server[@]}" "$shellac" run --config "$run/shellac.yaml" --ready-fd 3 3>"$run/ready" 2>"$run/shellac.log" &
daemon=$!
started+=("$daemon")
wait_for '^ready$' "$run/ready"
http=$(awk '$1 == "http" { print $2 }' "$run/ready")
https=$(awk '$1 == "https" { print $2 }' "$run/ready")

ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$daemon/stat"; }

# Prints "CPU-µs requests/s errors" of one run.
measure() {
  local url=$1 before after
  before=$(ticks)
  "${on_client[@]}" wrk -t1 -c"$connections" -d"${seconds}s" "$url" >"$run/wrk.txt"
  after=$(ticks)
  awk -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" '
    /requests in/ { count = $1 }
    /Requests\/sec/ { rate = $2 }
    /Non-2xx/ { errors += $NF }
    /Socket errors/ { gsub(/[^0-9 ]/, ""); errors += $1 + $2 + $3 + $4 }
    END { if (count) printf "%.2f %.0f %d\n", ticks / hz * 1e6 / count, rate, errors; else print "0 0 1" }' "$run/wrk.txt"
}

printf '%-14s %12s %12s %10s   (of %d rounds of %d s, %d connections)\n' role 'CPU µs/req' 'requests/s' errors "$rounds" "$seconds" "$connections"
failed=no
for role in "${roles[@]}"; do
  base=http://$http
  case $role in tls-*) base=https://$https ;; esac
  case ${role#tls-} in
    respond) url=$base/own ;;
    relay-1k | relay-64k | relay-1m) url=$base/${role##*-} ;;
    *)
      echo "load.sh: no role '$role'" >&2
      exit 2
      ;;
  esac
  "${on_client[@]}" wrk -t1 -c"$connections" -d1s "$url" >/dev/null
  for _ in $(seq "$rounds"); do measure "$url"; done >"$run/rounds"
  # The median of the rounds, by CPU.
  read -r cpu rate errors < <(sort -n "$run/rounds" | awk '{ line[NR] = $0; errors += $3 } END { split(line[int((NR + 1) / 2)], m, " "); print m[1], m[2], errors }')
  printf '%-14s %12s %12s %10s\n' "$role" "$cpu" "$rate" "$errors"
  if [ "$errors" != 0 ]; then failed=yes; fi
done
if [ $failed = yes ]; then exit 1; fi
