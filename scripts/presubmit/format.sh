#!/usr/bin/env bash
# Checks the format of all C and C++ sources; -f fixes it. The version of clang-format is pinned: two versions disagree.
set -euo pipefail
cd "$(dirname "$0")/../.."
tool=clang-format-22
if ! command -v "$tool" >/dev/null; then
  echo "$tool not found: run scripts/setup" >&2
  exit 1
fi
sources() { git ls-files -z --cached --others --exclude-standard -- '*.h' '*.c' '*.cpp'; }
case "${1:-}" in
  -f) sources | xargs -0 -n 40 -P "$(nproc)" "$tool" -i ;;
  "")
    report=$(sources | xargs -0 -n 40 "$tool" --dry-run -Werror 2>&1) && exit 0
    # One line per place; the tool prints the source lines too.
    grep 'error:' <<<"$report" >&2 || echo "$report" >&2
    exit 1
    ;;
  *) echo "usage: $0 [-f]" >&2; exit 2 ;;
esac
