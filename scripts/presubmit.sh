#!/usr/bin/env bash
# Every check that needs no build, the same here and in CI. Runs them all, then says which failed; -f fixes format and docs first.
set -uo pipefail
cd "$(dirname "$0")/presubmit"
case "${1:-}" in
  "") ;;
  -f) ./format.sh -f && ./docs.sh || exit 1 ;;
  *) echo "usage: $0 [-f]" >&2; exit 2 ;;
esac
failed=()
./format.sh || failed+=("format.sh (fix with -f)")
python3 headers.py || failed+=("headers.py")
python3 includes.py || failed+=("includes.py")
python3 labels.py || failed+=("labels.py")
python3 environment.py || failed+=("environment.py")
python3 readmes.py || failed+=("readmes.py")
python3 snippets.py || failed+=("snippets.py")
./docs.sh --check || failed+=("docs.sh (fix with -f)")
if [ ${#failed[@]} -gt 0 ]; then
  printf 'presubmit: %s failed\n' "${failed[@]}" >&2
  exit 1
fi
