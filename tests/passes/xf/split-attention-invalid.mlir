// RUN: tilewright-opt %s -xf-split-attention -split-input-file -verify-diagnostics

!q = tensor<?x9x64xbf16, #xf.sizes<tokens>>
!k = tensor<?x3x64x64xbf16, #xf.sizes<pages>>
!blocks = tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>
!cu = tensor<?xi32, #xf.sizes<seqs + 1>>
!lens = tensor<?xi32, #xf.sizes<seqs>>

func.func @something_before(%q: !q, %kc: !k, %b: !blocks, %cu: !cu, %lens: !lens) -> !q {
  // expected-error @+1 {{computes something before its attention, and cannot be split}}
  %o = xf.kernel attention (%bq = %q : !q, %bk = %kc : !k, %bb = %b : !blocks, %bc = %cu : !cu, %bl = %lens : !lens) -> (!q)
      config {BLOCK_N = 64 : i64, num_splits = 4 : i64} {
    %s = xf.scale %bq by 2.0 : !q
    %a = xf.attention %s, %bk, %bk, %bb, %bc, %bl scale = 0.125 : !q, !k, !blocks, !cu, !lens
    xf.yield %a : !q
  }
  return %o : !q
}

// -----

!q = tensor<?x9x64xbf16, #xf.sizes<tokens>>
!k = tensor<?x3x64x64xbf16, #xf.sizes<pages>>
!blocks = tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>
!cu = tensor<?xi32, #xf.sizes<seqs + 1>>
!lens = tensor<?xi32, #xf.sizes<seqs>>

func.func @no_block(%q: !q, %kc: !k, %b: !blocks, %cu: !cu, %lens: !lens) -> !q {
  // expected-error @+1 {{has no 'BLOCK_N' in its config; run xf-tune-kernels first}}
  %o = xf.kernel attention (%bq = %q : !q, %bk = %kc : !k, %bb = %b : !blocks, %bc = %cu : !cu, %bl = %lens : !lens) -> (!q)
      config {num_splits = 4 : i64} {
    %a = xf.attention %bq, %bk, %bk, %bb, %bc, %bl scale = 0.125 : !q, !k, !blocks, !cu, !lens
    xf.yield %a : !q
  }
  return %o : !q
}
