#!/bin/bash
# Every shell script passes shellcheck.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
find .ci packaging tests bench -name node_modules -prune -o -type f -print0 |
  while IFS= read -r -d '' file; do
    if head -c 64 "$file" | head -n 1 | grep -qE '^#!.*\b(ba)?sh$'; then printf '%s\0' "$file"; fi
  done |
  xargs -0 shellcheck
