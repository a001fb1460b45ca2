#!/bin/bash
# clang-tidy with the tree's .clang-tidy; every warning is an error.
#
#   packaging/tidy.sh            the .cpp files that changed: since the branch left main, and in the working tree
#   packaging/tidy.sh --all      all of src/
#   packaging/tidy.sh FILE...    these
#
# Without a commit to compare with (a shallow clone, the first commit) it takes a spread of at most 8 files; of a change that
# is larger than TIDY_MAX files (24) a spread of so many. It says what it left out: --all looks at that.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
jobs=${JOBS:-$(nproc)}
build=build/tidy

# The commit that the change began from; nothing when there is none to be found.
base_commit() {
  local head branch base
  head=$(git rev-parse -q --verify HEAD 2>/dev/null) || return 0
  for branch in origin/HEAD origin/main origin/master main master; do
    base=$(git merge-base HEAD "$branch" 2>/dev/null) || continue
    if [ "$base" != "$head" ]; then
      echo "$base"
      return
    fi
  done
  git rev-parse -q --verify 'HEAD^' 2>/dev/null || true
}

all_sources() {
  find src -name '*.cpp' | LC_ALL=C sort
}

# The .cpp files behind the changed ones: a header stands for the sources of its area that bear its name or include it.
sources_of() {
  local path area name
  while read -r path; do
    case $path in
      src/*.cpp) if [ -e "$path" ]; then echo "$path"; fi ;;
      include/shellac/*.hpp | src/*.hpp)
        name=$(basename "$path" .hpp)
        area=${path#include/shellac/}
        area=${area#src/}
        area=${area%%/*}
        if [ -e "src/$area/$name.cpp" ]; then
          echo "src/$area/$name.cpp"
        else
          grep -lE "\"([a-z/]*/)?$name\.hpp\"" "src/$area"/*.cpp 2>/dev/null | head -n 1 || true
        fi
        ;;
    esac
  done | LC_ALL=C sort -u
}

# spread N: at most N of the lines, evenly taken.
spread() {
  awk -v most="$1" '{ line[NR] = $0 } END {
    if (NR <= most) { for (i = 1; i <= NR; i++) print line[i] }
    else { for (i = 0; i < most; i++) print line[int(i * NR / most) + 1] } }'
}

changed_files() {
  git diff --name-only "$1" --
  git ls-files --others --exclude-standard
}

choose_files() {
  local base chosen count most=${TIDY_MAX:-24}
  base=$(base_commit)
  if [ -z "$base" ]; then
    chosen=$(all_sources)
    most=8
    echo "tidy.sh: no commit to compare with" >&2
  else
    chosen=$(changed_files "$base" | sources_of)
  fi
  count=$(grep -c . <<<"$chosen" || true)
  if [ "$count" -gt "$most" ]; then echo "tidy.sh: takes $most of $count files; --all takes every one" >&2; fi
  spread "$most" <<<"$chosen"
}

case ${1:-} in
  --all) mapfile -t files < <(all_sources) ;;
  '') mapfile -t files < <(choose_files) ;;
  *) files=("$@") ;;
esac
if [ ${#files[@]} = 0 ] || [ -z "${files[0]}" ]; then
  echo "tidy.sh: no source changed"
  exit 0
fi

# Its own configuration: clang's view of the flags, and no precompiled headers of another compiler.
mkdir -p build
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
  -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DSHELLAC_WERROR=OFF >"build/configure-tidy.log" 2>&1 || {
  cat build/configure-tidy.log >&2
  exit 1
}
printf '%s\0' "${files[@]}" | xargs -0 -P "$jobs" -n 1 clang-tidy-19 -p "$build" --quiet --use-color=0
echo "tidy.sh: ${#files[@]} files are clean"
