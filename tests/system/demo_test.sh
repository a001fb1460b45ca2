#!/bin/bash
# packaging/demo.sh --once on ports of its own: the first thing that a newcomer runs must work, and leave nothing behind.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/shellac-demo-XXXXXX")
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
# system/draw_site has drawn the photos already; without ctest they are drawn here.
if [ -n "${SHELLAC_TEST_SITE:-}" ]; then
  mkdir -p "$dir/servers"
  cp -R --sparse=always "$SHELLAC_TEST_SITE" "$dir/servers/site"
fi

# A run of nine ports that nobody holds now, below those that the kernel hands out.
free_base_port() {
  local base port taken
  for _ in $(seq 50); do
    base=$((10000 + RANDOM % 20000))
    taken=no
    for ((port = base; port < base + 9; port++)); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then taken=yes; fi
    done
    if [ $taken = no ]; then
      echo "$base"
      return
    fi
  done
}

demo() {
  local base
  base=$(free_base_port)
  "$root/packaging/demo.sh" --no-install --no-build --once --dir "$dir" \
    --base-port "$base" --https-port $((base + 6)) --http-port $((base + 7)) --admin-port $((base + 8))
}

demo
# Again in the same folder: nothing is in its own way.
demo
if pgrep -f -- "$dir/" >/dev/null; then
  echo "demo_test.sh: demo.sh left processes behind:" >&2
  pgrep -af -- "$dir/" >&2
  exit 1
fi
