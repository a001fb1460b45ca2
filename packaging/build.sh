#!/bin/bash
# Configures and builds one preset. Both commands and the mutants go through here.
#
#   packaging/build.sh [PRESET] [TARGET...]      PRESET: release (default), debug, asan, tsan, fuzz, bench
#   JOBS=N                                       compilers at a time (default: one per core, and 1.5 GiB of memory for each)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${1:-release}
shift || true

default_jobs() {
  local cores memory_kib by_memory
  cores=$(nproc)
  memory_kib=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
  by_memory=$((memory_kib / (1536 * 1024)))
  if [ "$by_memory" -lt 1 ]; then by_memory=1; fi
  echo $((cores < by_memory ? cores : by_memory))
}

jobs=${JOBS:-$(default_jobs)}
targets=()
if [ $# -gt 0 ]; then targets=(--target "$@"); fi

cd "$root"
# A build folder that was configured for another path (a moved or copied checkout) is refused by CMake: start it afresh.
cache=build/$preset/CMakeCache.txt
if [ -e "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
  rm -rf "build/${preset:?}"
fi
mkdir -p build
if ! cmake --preset "$preset" >"build/configure-$preset.log" 2>&1; then
  cat "build/configure-$preset.log" >&2
  exit 1
fi
cmake --build --preset "$preset" -j "$jobs" "${targets[@]}"
