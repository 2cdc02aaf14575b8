// RUN: tilewright-opt %s -xf-make-plans="max-tokens=2048 max-seqs=64 max-rows=32 max-context=4096" | FileCheck %s
// RUN: tilewright-opt %s -xf-make-plans="max-tokens=16 max-seqs=4 max-rows=4 max-context=128" | FileCheck %s --check-prefix=SMALL

// Ranges end at 8, four times as many each, and at the most sequences; those of
// prefill start at 64.
// CHECK-NOT:     @forward
// CHECK:         func @decode_8({{.*}}xf.bounds = {context = 4096 : i64, rows = 8 : i64, seqs = 8 : i64, tokens = 8 : i64}, xf.entry = "decode"
// CHECK-NEXT:      xf.scale
// CHECK:         func @decode_32({{.*}}rows = 32 : i64, seqs = 32 : i64, tokens = 32 : i64
// CHECK:         func @decode_64({{.*}}rows = 32 : i64, seqs = 64 : i64, tokens = 64 : i64
// CHECK:         func @prefill_64({{.*}}seqs = 64 : i64, tokens = 64 : i64}, xf.entry = "prefill"
// CHECK:         func @prefill_512({{.*}}seqs = 64 : i64, tokens = 512 : i64
// CHECK:         func @prefill_2048({{.*}}rows = 32 : i64, seqs = 64 : i64, tokens = 2048 : i64
// CHECK-NEXT:      xf.scale
// CHECK-NOT:     func

// SMALL:         func @decode_4({{.*}}tokens = 4 : i64
// SMALL:         func @prefill_16({{.*}}seqs = 4 : i64, tokens = 16 : i64
// SMALL-NOT:     func
func.func @forward(%x: tensor<?x8xbf16, #xf.sizes<tokens>>) -> tensor<?x8xbf16, #xf.sizes<tokens>> {
  %y = xf.scale %x by 2.0 : tensor<?x8xbf16, #xf.sizes<tokens>>
  return %y : tensor<?x8xbf16, #xf.sizes<tokens>>
}
