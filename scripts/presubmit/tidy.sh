#!/usr/bin/env bash
# Runs clang-tidy on the sources that differ from REVISION (default: HEAD~1), or on the files named. Needs a configured build tree. Not a
# part of presubmit.sh: a file on MLIR takes it half a minute.
#   scripts/presubmit/tidy.sh [--since REVISION | FILE...]
set -euo pipefail
cd "$(dirname "$0")/../.."
tool=clang-tidy-22
command -v "$tool" >/dev/null || { echo "$tool not found: run scripts/setup" >&2; exit 1; }
[[ -f build/compile_commands.json ]] || { echo "no build/compile_commands.json: run scripts/setup" >&2; exit 1; }
since=HEAD~1
if [[ ${1:-} == --since ]]; then
  since=$2
  shift 2
fi
files=("$@")
if ((${#files[@]} == 0)); then
  mapfile -t files < <(git diff --name-only --diff-filter=d "$since" -- '*.cpp')
fi
((${#files[@]})) || { echo "tidy: nothing changed since $since"; exit 0; }
"$tool" -p build --quiet "${files[@]}"
