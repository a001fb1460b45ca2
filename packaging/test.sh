#!/bin/bash
# The test command: installs what is missing, builds, and runs everything that must pass. Stops at the first failure.
#
#   packaging/test.sh              within 40 minutes on two cores
#   packaging/test.sh --long       the rest as well: mutants, long soaks and fuzzing, clang-tidy on all files
#   --no-install                   touch no package
#   JOBS=N                         compilers and tests at a time (default: one per core)
#
# The last phase is the release build's whole suite, so that the last lines are ctest's own verdict.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
long=no install=yes
for argument in "$@"; do
  case $argument in
    --long) long=yes ;;
    --no-install) install=no ;;
    *)
      sed -n '4,7s/^# *//p' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
done
jobs=${JOBS:-$(nproc)}
export JOBS=$jobs
begin=$SECONDS

phase() {
  local name=$1 started=$SECONDS
  shift
  printf '\n=== %s\n' "$name"
  if ! "$@"; then
    printf '\n=== FAILED: %s, after %d s (%d s in all)\n' "$name" $((SECONDS - started)) $((SECONDS - begin)) >&2
    exit 1
  fi
  printf '=== %s: %d s (%d s in all)\n' "$name" $((SECONDS - started)) $((SECONDS - begin))
}

# Only what can find something under a sanitizer: unit tests and the daemon under varnishtest.
# g++ 12's sanitizers do not find room beside a widely randomised address space, so that is off where it may be.
sanitized_tests() {
  local -a plain=()
  if setarch "$(uname -m)" -R true 2>/dev/null; then plain=(setarch "$(uname -m)" -R); fi
  "${plain[@]}" ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j "$jobs" -L '^(unit|http)$'
}

# Each fuzz target from its corpus, in a copy, so that the tree stays as it is. What it finds stays in build/fuzz/found.
fuzz() {
  local seconds=$1 program name corpus
  local -a programs
  mapfile -t programs < <(find build/fuzz -type f -name 'fuzz_*' -perm -u+x | LC_ALL=C sort)
  if [ ${#programs[@]} = 0 ] && compgen -G 'tests/fuzz/*_fuzz.cpp' >/dev/null; then
    echo "test.sh: the fuzz build has no fuzzer" >&2
    return 1
  fi
  mkdir -p build/fuzz/found
  for program in "${programs[@]}"; do
    name=$(basename "$program")
    corpus=build/fuzz/grown/${name#fuzz_}
    mkdir -p "$corpus" "tests/fuzz/corpus/${name#fuzz_}"
    if ! "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
      -artifact_prefix="build/fuzz/found/$name-" "$corpus" "tests/fuzz/corpus/${name#fuzz_}" >"build/fuzz/$name.log" 2>&1; then
      tail -n 60 "build/fuzz/$name.log" >&2
      echo "test.sh: $name found something: build/fuzz/found" >&2
      return 1
    fi
    rmdir --ignore-fail-on-non-empty "tests/fuzz/corpus/${name#fuzz_}"
    echo "$name: $seconds s, nothing found"
  done
}

if [ $install = yes ]; then phase "packages" packaging/install.sh; fi
phase "release build" packaging/build.sh release
phase "address and undefined-behaviour sanitizer: build" packaging/build.sh asan
phase "address and undefined-behaviour sanitizer: unit and http tests" sanitized_tests asan
phase "thread sanitizer: build" packaging/build.sh tsan
phase "thread sanitizer: unit and http tests" sanitized_tests tsan
if [ $long = yes ]; then
  phase "clang-tidy, all files" packaging/tidy.sh --all
else
  phase "clang-tidy, changed files" packaging/tidy.sh
fi
phase "fuzzers: build" packaging/build.sh fuzz fuzzers
if [ $long = yes ]; then
  phase "fuzzers, ten minutes each" fuzz 600
  phase "mutants" tests/mutants/run.py --jobs "$jobs"
  export SHELLAC_SOAK_SECONDS=1200
else
  phase "fuzzers, ten seconds each" fuzz 10
  export SHELLAC_SOAK_SECONDS=60
fi

printf '\n=== release: every test (%d s so far)\n' $((SECONDS - begin))
exec ctest --test-dir build/release --output-on-failure --no-tests=error -j "$jobs"
