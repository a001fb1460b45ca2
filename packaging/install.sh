#!/bin/bash
# Installs the Debian packages of packaging/packages.txt. Idempotent: when all are there, apt is not touched at all.
#
#   packaging/install.sh [SET...]     SET: build, demo, test (default: all three)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
list=$root/packaging/packages.txt
policy=/usr/sbin/policy-rc.d

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

is_offered() {
  [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# The lines "a" or "a|b" of the packages that belong to one of the sets.
wanted() {
  local sets package _
  while read -r sets package _; do
    case $sets in '' | '#'*) continue ;; esac
    for set in "$@"; do
      if [[ ,$sets, == *",$set,"* ]]; then
        echo "$package"
        break
      fi
    done
  done <"$list"
}

# Prints what is missing, one "a" or "a|b" a line.
missing() {
  local line name found
  wanted "$@" | while read -r line; do
    found=no
    for name in ${line//|/ }; do
      if is_installed "$name"; then found=yes; fi
    done
    if [ $found = no ]; then echo "$line"; fi
  done
}

# Of "a|b" the first that apt knows.
choose() {
  local name
  for name in ${1//|/ }; do
    if is_offered "$name"; then
      echo "$name"
      return
    fi
  done
  echo "install.sh: this machine's apt sources offer none of: ${1//|/, } (Debian 12 or newer is needed)" >&2
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

retry() {
  local attempt
  for attempt in 1 2 3 4 5; do
    if "$@"; then return 0; fi
    echo "install.sh: attempt $attempt failed: $*" >&2
    sleep $((attempt * 3))
  done
  return 1
}

policy_is_ours=no
remove_policy() {
  if [ $policy_is_ours = yes ]; then as_root rm -f "$policy"; fi
}

# No service may start while packages are unpacked: varnish would take its port. Debian asks this file, 101 = not allowed.
forbid_services() {
  if [ -e "$policy" ]; then return; fi
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  policy_is_ours=yes
  trap remove_policy EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  as_root chmod 755 "$policy"
}

# A service that arrived with a test tool must not start at the next boot either.
disable_new_services() {
  local unit
  if ! command -v systemctl >/dev/null; then return; fi
  for unit in varnish varnishncsa; do
    if systemctl list-unit-files "$unit.service" >/dev/null 2>&1; then
      as_root systemctl disable "$unit.service" >/dev/null 2>&1 || true
    fi
  done
}

install_packages() {
  local lines line names=() had_varnish=no
  lines=$(missing "$@")
  if [ -z "$lines" ]; then
    echo "install.sh: all packages are there"
    return
  fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "install.sh: not root, no sudo, and these packages are missing:" >&2
    echo "${lines//|/ or }" >&2
    exit 1
  fi
  if is_installed varnish; then had_varnish=yes; fi
  retry as_root apt-get update -q
  while read -r line; do
    names+=("$(choose "$line")")
  done <<<"$lines"
  forbid_services
  retry as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${names[@]}"
  if [ $had_varnish = no ]; then disable_new_services; fi
  remove_policy
  policy_is_ours=no
  lines=$(missing "$@")
  if [ -n "$lines" ]; then
    echo "install.sh: still missing after installation:" "$lines" >&2
    exit 1
  fi
}

# Node packages, for tests only: each tests/NAME/package-lock.json is installed beside itself, once per text of the lock.
install_node_packages() {
  local lock folder stamp
  for lock in "$root"/tests/*/package-lock.json; do
    if [ ! -e "$lock" ]; then continue; fi
    folder=$(dirname "$lock")
    stamp=$folder/node_modules/.installed-lock
    if cmp -s "$lock" "$stamp"; then continue; fi
    if ! command -v npm >/dev/null; then
      retry as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends npm
    fi
    (cd "$folder" && retry npm ci --no-audit --no-fund)
    cp "$lock" "$stamp"
  done
}

sets=("$@")
if [ $# = 0 ]; then sets=(build demo test); fi
for set in "${sets[@]}"; do
  case $set in
    build | demo | test) ;;
    *)
      echo "install.sh: unknown set '$set', expected build, demo or test" >&2
      exit 2
      ;;
  esac
done
if ! command -v apt-get >/dev/null; then
  echo "install.sh: apt-get not found: this is for Debian 12 or newer" >&2
  exit 1
fi

install_packages "${sets[@]}"
if [[ " ${sets[*]} " == *" test "* ]]; then install_node_packages; fi
