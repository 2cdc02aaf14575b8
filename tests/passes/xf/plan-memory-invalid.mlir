// RUN: tilewright-opt %s -xf-plan-memory -split-input-file -verify-diagnostics

!x = tensor<?x64xbf16, #xf.sizes<tokens>>

func.func @no_bound(%x: !x) attributes {xf.bounds = {seqs = 4 : i64}} {
  // expected-error @+1 {{has the size 'tokens', for which 'xf.bounds' has no maximum}}
  %a = xf.kernel elementwise (%bx = %x : !x) -> (!x) {
    %y = xf.scale %bx by 2.0 : !x
    xf.yield %y : !x
  }
  return
}

// -----

!x = tensor<?x9223372036854775807xbf16, #xf.sizes<tokens>>

func.func @too_large(%x: !x) attributes {xf.bounds = {tokens = 4 : i64}} {
  // expected-error @+1 {{has a result too large to address}}
  %a = xf.kernel elementwise (%bx = %x : !x) -> (!x) {
    %y = xf.scale %bx by 2.0 : !x
    xf.yield %y : !x
  }
  return
}

// -----

!x = tensor<?x4611686018427387904xbf16, #xf.sizes<tokens>>

// As many elements as can be counted, and twice as many bytes.
func.func @too_many_bytes(%x: !x) attributes {xf.bounds = {tokens = 1 : i64}} {
  // expected-error @+1 {{has a result too large to address}}
  %a = xf.kernel elementwise (%bx = %x : !x) -> (!x) {
    %y = xf.scale %bx by 2.0 : !x
    xf.yield %y : !x
  }
  return
}
