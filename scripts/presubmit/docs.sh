#!/usr/bin/env bash
# Writes the generated reference into docs/generated; with --check, reports what is out of date instead.
set -euo pipefail
cd "$(dirname "$0")/../.."
case "${1:-}" in
  "") check=no ;;
  --check) check=yes ;;
  *) echo "usage: $0 [--check]" >&2; exit 2 ;;
esac
if ! command -v mlir-tblgen-22 >/dev/null; then
  echo "mlir-tblgen-22 not found: run scripts/setup" >&2
  exit 1
fi
includes=(-I . -I "$(llvm-config-22 --includedir)")
target=docs/generated
if [ "$check" = yes ]; then
  target=$(mktemp -d)
  trap 'rm -rf "$target"' EXIT
fi
mkdir -p "$target"

# page, source, generator and its options
write() {
  local page=$1 source=$2
  shift 2
  mlir-tblgen-22 "$@" "$source" "${includes[@]}" | sed 's/[[:space:]]*$//' | cat -s >"$target/$page"
}
write xf.md ir/xf/XfOps.td -gen-dialect-doc -dialect=xf
write xf_check.md ir/reference/check/CheckOps.td -gen-dialect-doc -dialect=xf_check
write tile.md ir/tile/TileOps.td -gen-dialect-doc -dialect=tile
write passes.md passes/Passes.td -gen-pass-doc

[ "$check" = yes ] || exit 0
status=0
for page in "$target"/*; do
  name=docs/generated/$(basename "$page")
  if ! diff -u "$name" "$page" --label "$name" --label generated; then
    echo "$name is out of date: run scripts/presubmit/docs.sh" >&2
    status=1
  fi
done
exit $status
