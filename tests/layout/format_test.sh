#!/bin/bash
# Every C++ file is as clang-format would write it. Repair with: clang-format-19 -i FILE
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
formatter=${CLANG_FORMAT:-clang-format-19}
if ! command -v "$formatter" >/dev/null; then formatter=clang-format; fi
find src include tests bench -name build -prune -o \( -name '*.cpp' -o -name '*.hpp' \) -print0 |
  xargs -0 -P 2 -n 25 "$formatter" --dry-run -Werror --style=file
