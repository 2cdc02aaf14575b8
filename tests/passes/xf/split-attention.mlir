// RUN: tilewright-opt %s -xf-split-attention | FileCheck %s

!q = tensor<?x9x64xbf16, #xf.sizes<tokens>>
!o = tensor<?x576xbf16, #xf.sizes<tokens>>
!k = tensor<?x3x64x64xbf16, #xf.sizes<pages>>
!blocks = tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>
!cu = tensor<?xi32, #xf.sizes<seqs + 1>>
!lens = tensor<?xi32, #xf.sizes<seqs>>

// CHECK-LABEL: func @divided
// CHECK:         %[[P:.*]]:2 = xf.kernel attention
// CHECK-SAME:      -> (tensor<?x4x9x64xf32, #xf.sizes<tokens>>, tensor<?x4x9xf32, #xf.sizes<tokens>>)
// CHECK-SAME:      config {BLOCK_N = 64 : i64, num_splits = 4 : i64, num_stages = 3 : i64} reason "long"
// CHECK-NEXT:      %[[A:.*]], %[[B:.*]] = xf.attention_partial {{.*}} scale = 1.250000e-01 window = 128 splits = 4 block = 64
// CHECK-NEXT:      xf.yield %[[A]], %[[B]]
// CHECK:         %[[O:.*]] = xf.kernel attention (%[[PARTS:[^ ]*]] = %[[P]]#0 : {{.*}}, %[[LSE:[^ ]*]] = %[[P]]#1 :
// CHECK-SAME:      config {ROWS = {{[0-9]+}} : i64, warps = {{[0-9]+}} : i64} reason
// CHECK-NEXT:      %[[C:.*]] = xf.attention_combine %[[PARTS]], %[[LSE]] {{.*}} -> tensor<?x9x64xbf16, #xf.sizes<tokens>>
// CHECK-NEXT:      %[[FLAT:.*]] = xf.reshape %[[C]]
// CHECK-NEXT:      xf.yield %[[FLAT]]
// CHECK:         return %[[O]]
func.func @divided(%q: !q, %kc: !k, %vc: !k, %b: !blocks, %cu: !cu, %lens: !lens) -> !o {
  %o = xf.kernel attention (%bq = %q : !q, %bk = %kc : !k, %bv = %vc : !k, %bb = %b : !blocks, %bc = %cu : !cu, %bl = %lens : !lens) -> (!o)
      config {BLOCK_N = 64 : i64, num_stages = 3 : i64, num_splits = 4 : i64} reason "long" {
    %a = xf.attention %bq, %bk, %bv, %bb, %bc, %bl scale = 0.125 window = 128 : !q, !k, !blocks, !cu, !lens
    %r = xf.reshape %a : !q to !o
    xf.yield %r : !o
  }
  return %o : !o
}

// CHECK-LABEL: func @undivided
// CHECK-COUNT-1: xf.kernel
// CHECK-NOT:     xf.attention_
func.func @undivided(%q: !q, %kc: !k, %vc: !k, %b: !blocks, %cu: !cu, %lens: !lens) -> !q {
  %o = xf.kernel attention (%bq = %q : !q, %bk = %kc : !k, %bv = %vc : !k, %bb = %b : !blocks, %bc = %cu : !cu, %bl = %lens : !lens) -> (!q)
      config {BLOCK_N = 64 : i64, num_stages = 3 : i64, num_splits = 1 : i64} {
    %a = xf.attention %bq, %bk, %bv, %bb, %bc, %bl scale = 0.125 : !q, !k, !blocks, !cu, !lens
    xf.yield %a : !q
  }
  return %o : !q
}

// CHECK-LABEL: func @not_tuned
// CHECK-NOT:     xf.attention_
func.func @not_tuned(%q: !q, %kc: !k, %vc: !k, %b: !blocks, %cu: !cu, %lens: !lens) -> !q {
  %o = xf.kernel attention (%bq = %q : !q, %bk = %kc : !k, %bv = %vc : !k, %bb = %b : !blocks, %bc = %cu : !cu, %bl = %lens : !lens) -> (!q) {
    %a = xf.attention %bq, %bk, %bv, %bb, %bc, %bl scale = 0.125 : !q, !k, !blocks, !cu, !lens
    xf.yield %a : !q
  }
  return %o : !q
}
