#!/bin/bash
# Brings up the whole platform on loopback: the edge with TLS, in front of six Apache httpd servers that serve a photo
# site. Works from a fresh clone on a bare Debian machine: installs what is missing, builds, generates, starts, and ends
# everything again on Ctrl-C.
#
#   packaging/demo.sh [--dir DIR] [--https-port 8443] [--http-port 8080] [--admin-port 9180] [--base-port 9001]
#                     [--no-install] [--no-build] [--once]
#
#   --dir          where everything that is generated goes (default .run/demo of the checkout)
#   --base-port    the first of the six Apache servers' ports
#   --no-install   touch no package         --no-build   take build/release (or $SHELLAC_BIN) as it is
#   --once         start, ask a few things through the edge, stop; the exit code tells whether all was well
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir='' https_port=8443 http_port=8080 admin_port=9180 base_port=9001
install=yes build=yes once=no
edge_pid='' servers_started=no

fail() {
  echo "demo.sh: $*" >&2
  exit 1
}

usage() {
  sed -n '6,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit "$1"
}

number() {
  case $2 in '' | 0* | *[!0-9]* | ??????*) echo "demo.sh: $1: a port was expected, found '$2'" >&2; exit 2 ;; esac
  echo "$2"
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --no-install) install=no ;;
      --no-build) build=no ;;
      --once) once=yes ;;
      --help | -h) usage 0 ;;
      --dir | --https-port | --http-port | --admin-port | --base-port)
        if [ $# -lt 2 ]; then usage 2 >&2; fi
        case $1 in
          --dir) dir=$2 ;;
          --https-port) https_port=$(number "$1" "$2") ;;
          --http-port) http_port=$(number "$1" "$2") ;;
          --admin-port) admin_port=$(number "$1" "$2") ;;
          --base-port) base_port=$(number "$1" "$2") ;;
        esac
        shift
        ;;
      *)
        echo "demo.sh: unknown option '$1'" >&2
        usage 2 >&2
        ;;
    esac
    shift
  done
}

# Started as root, the edge and Apache's workers go on as www-data, which must be able to enter the folder. A checkout in
# /root is not such a place; then the folder stands elsewhere, unless one was asked for by name.
choose_dir() {
  local asked=$dir
  dir=${dir:-$root/.run/demo}
  mkdir -p "$dir" || fail "cannot make the folder $dir"
  if [ "$(id -u)" = 0 ] && ! runuser -u www-data -- test -x "$dir"; then
    if [ -n "$asked" ]; then fail "the user www-data cannot enter $dir: choose a folder that it can"; fi
    rmdir "$dir" 2>/dev/null || true
    dir=/var/lib/shellac-demo
    echo "demo.sh: the user www-data cannot enter $root, so the run folder is $dir"
    mkdir -p "$dir"
  fi
  dir=$(cd "$dir" && pwd -P)
  mkdir -p "$dir/edge/tls"
  # Held by this script alone: whatever it starts closes descriptor 9 first.
  exec 9>"$dir/lock"
  if ! flock -n 9; then fail "a demonstration is already running from $dir"; fi
}

is_edge() {
  tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF -- "run --config $dir/edge/shellac.yaml"
}

# Ends one edge by its process id: politely, and after ten seconds for good.
end_edge() {
  local waited=0
  kill -TERM "$1" 2>/dev/null || return 0
  while is_edge "$1"; do
    waited=$((waited + 1))
    if [ $waited -gt 100 ]; then
      kill -KILL "$1" 2>/dev/null || true
      return
    fi
    sleep 0.1
  done
}

# What an earlier run left behind because it was killed.
end_leftovers() {
  local pid
  pid=$(cat "$dir/edge/pid" 2>/dev/null || true)
  if [ -n "$pid" ] && is_edge "$pid"; then end_edge "$pid"; fi
  rm -f "$dir/edge/pid"
}

# shellcheck disable=SC2317  # called by the trap
clean_up() {
  trap '' INT TERM
  if [ -n "$edge_pid" ]; then
    end_edge "$edge_pid"
    wait "$edge_pid" 2>/dev/null || true
    rm -f "$dir/edge/pid"
  fi
  if [ "$servers_started" = yes ]; then "$root/packaging/apaches.sh" stop --dir "$dir/servers" 9>&- || true; fi
}

# A file that the edge reads again after it has given up root.
keep_secret() {
  chmod 640 "$1"
  if [ "$(id -u)" = 0 ]; then chgrp www-data "$1"; fi
}

make_certificate() {
  local tls=$dir/edge/tls
  if [ -e "$tls/www.key" ] && openssl x509 -in "$tls/www.crt" -checkend 604800 -noout >/dev/null 2>&1; then return; fi
  (
    umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -sha256 \
      -subj "/CN=localhost" -addext "subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1" \
      -keyout "$tls/www.key" -out "$tls/www.crt" 2>"$tls/openssl.log"
  ) || fail "openssl could not make a certificate: $(cat "$tls/openssl.log")"
  chmod 644 "$tls/www.crt"
  keep_secret "$tls/www.key"
}

make_token() {
  if [ ! -s "$dir/edge/admin.token" ]; then (umask 077 && openssl rand -hex 32 >"$dir/edge/admin.token"); fi
  keep_secret "$dir/edge/admin.token"
}

has_ipv6() {
  grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null
}

# bind PORT: the listener's addresses as a YAML list.
bind() {
  if has_ipv6; then echo "[ \"127.0.0.1:$1\", \"[::1]:$1\" ]"; else echo "[ \"127.0.0.1:$1\" ]"; fi
}

# write_config SERVERS: the edge's configuration, its backends from the lines that apaches.sh printed.
write_config() {
  local name zone address
  {
    echo "# Written by packaging/demo.sh."
    if [ "$(id -u)" = 0 ]; then echo "user: www-data"; fi
    cat <<YAML
zone: ams1
log: { level: info, access: { file: stdout, format: json } }
admin: { listen: "127.0.0.1:$admin_port", token_file: admin.token }
listeners:
  - name: http
    bind: $(bind "$http_port")
    protocols: [ http/1.1 ]
    redirect: https
  - name: https
    bind: $(bind "$https_port")
    tls:
      certificates: [ { chain: tls/www.crt, key: tls/www.key } ]
pools:
  web:
    health: { probe: { path: /healthz, interval: 1s } }
    backends:
YAML
    while read -r name zone address _; do
      echo "      - { name: $name, address: \"$address\", zone: $zone }"
    done <<<"$1"
    cat <<'YAML'
routes:
  - name: photos
    match: { path: "/i/*", method: [ GET, HEAD ] }
    pool: web
  - { name: rest, pool: web }
YAML
  } >"$dir/edge/shellac.yaml"
}

show_log() {
  echo "--- the last lines of $dir/edge/shellac.log" >&2
  tail -n 20 "$dir/edge/shellac.log" >&2 || true
}

start_edge() {
  local waited=0
  : >"$dir/edge/ready"
  "$binary" run --config "$dir/edge/shellac.yaml" --ready-fd 3 \
    3>"$dir/edge/ready" >>"$dir/edge/access.log" 2>"$dir/edge/shellac.log" 9>&- </dev/null &
  edge_pid=$!
  echo "$edge_pid" >"$dir/edge/pid"
  until grep -qx ready "$dir/edge/ready"; do
    if ! kill -0 "$edge_pid" 2>/dev/null; then
      show_log
      fail "the edge ended before it was ready"
    fi
    waited=$((waited + 1))
    if [ $waited -gt 300 ]; then
      show_log
      fail "the edge was not ready after 30 seconds"
    fi
    sleep 0.1
  done
}

print_addresses() {
  local name zone address
  cat <<TEXT

The edge is ready.
  site      https://localhost:$https_port/      (the certificate is self-signed: curl -k, or --cacert $dir/edge/tls/www.crt)
  who       https://localhost:$https_port/whoami
  plain     http://localhost:$http_port/        redirects to https
  metrics   http://localhost:$admin_port/metrics
  control   $binary ctl --admin http://localhost:$admin_port --token-file $dir/edge/admin.token status
  files     $dir/edge: shellac.yaml, shellac.log, access.log
behind it
TEXT
  while read -r name zone address _; do echo "  $name      http://$address/      zone $zone"; done <<<"$1"
}

get() {
  curl -sS --max-time 60 --cacert "$dir/edge/tls/www.crt" "$@"
}

expect() {
  if [ "$2" != "$3" ]; then fail "$1: expected '$2', found '$3'"; fi
  echo "  ok: $1"
}

# Every server must answer. Each worker of the edge has its own turn, so more than six questions may be needed.
check_servers() {
  local url=$1 seen='' asked name
  for ((asked = 0; asked < 120; asked++)); do
    name=$(get "$url/whoami" | awk '$1 == "server" { print $2 }')
    if [ -z "$name" ]; then fail "$url/whoami answered without the name of a server"; fi
    if [[ " $seen " != *" $name "* ]]; then seen="$seen $name"; fi
    if [ "$(wc -w <<<"$seen")" = 6 ]; then break; fi
  done
  expect "all six servers answer" "web1 web2 web3 web4 web5 web6" "$(tr ' ' '\n' <<<"$seen" | sort | xargs)"
}

check_file() {
  get -o "$dir/got" "$1/$2"
  if ! cmp -s "$dir/got" "$dir/servers/site/$2"; then fail "$1/$2 did not arrive as it is on disk"; fi
  rm -f "$dir/got"
  echo "  ok: $2 arrives whole"
}

self_check() {
  local https=https://localhost:$https_port http=http://localhost:$http_port photo
  check_servers "$https"
  for photo in "$dir"/servers/site/i/*-1600.jpg; do check_file "$https" "i/$(basename "$photo")"; done
  check_file "$https" big.bin
  check_file "$https" index.html
  if has_ipv6; then expect "IPv6" 200 "$(get -6 -o /dev/null -w '%{http_code}' "$https/")"; fi
  expect "plain HTTP redirects" 308 "$(get -o /dev/null -w '%{http_code}' "$http/photo/alley.html")"
  expect "to where https is" "200 $https/photo/alley.html" \
    "$(get -L -o /dev/null -w '%{http_code} %{url_effective}' "$http/photo/alley.html")"
  expect "what is not there is 404" 404 "$(get -o /dev/null -w '%{http_code}' "$https/nothing-here")"
}

parse_arguments "$@"
if [ $install = yes ]; then "$root/packaging/install.sh" build demo; fi
binary=${SHELLAC_BIN:-$root/build/release/shellac}
if [ $build = yes ]; then
  "$root/packaging/build.sh" release shellac
  binary=$root/build/release/shellac
fi
if [ ! -x "$binary" ]; then fail "$binary is not there: run without --no-build"; fi

choose_dir
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
end_leftovers
make_certificate
make_token
servers_started=yes
servers=$("$root/packaging/apaches.sh" start --dir "$dir/servers" --base-port "$base_port" 9>&-)
write_config "$servers"
"$binary" check --config "$dir/edge/shellac.yaml" 9>&-
start_edge
print_addresses "$servers"

if [ $once = yes ]; then
  echo
  self_check
  echo "demo.sh: all is well"
  exit 0
fi
echo
echo "Ctrl-C ends everything."
code=0
wait "$edge_pid" || code=$?
edge_pid=''
show_log
fail "the edge ended by itself, with exit code $code"
