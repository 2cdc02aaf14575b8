// RUN: tilewright-opt %s -xf-interpret -split-input-file -verify-diagnostics

// What an input can get wrong is reported at the op, never a crash.

func.func @index_outside() {
  %table = arith.constant dense<0.0> : tensor<3x2xbf16>
  %ids = arith.constant dense<[0, 3]> : tensor<2xi32>
  // expected-error @+1 {{indices[1] is 3, which is not in [0, 3)}}
  %x = xf.embedding %table, %ids : tensor<3x2xbf16>, tensor<2xi32> -> tensor<2x2xbf16>
  return
}

// -----

func.func @position_outside() {
  %x = arith.constant dense<0.0> : tensor<1x1x2xbf16>
  %table = arith.constant dense<0.0> : tensor<4x1x2xf32>
  %positions = arith.constant dense<-1> : tensor<1xi32>
  // expected-error @+1 {{positions[0] is -1, which is not in [0, 4)}}
  %y = xf.rope %x, %table, %positions pair_distance = 1 : tensor<1x1x2xbf16>, tensor<4x1x2xf32>, tensor<1xi32>
  return
}

// -----

func.func @slot_outside() {
  %cache = arith.constant dense<0.0> : tensor<2x1x2x1xbf16>
  %x = arith.constant dense<0.0> : tensor<1x1x1xbf16>
  %slots = arith.constant dense<4> : tensor<1xi32>
  // expected-error @+1 {{slot_mapping[0] is 4, which is not in [0, 4)}}
  %y = xf.cache_append %cache, %x, %slots : tensor<2x1x2x1xbf16>, tensor<1x1x1xbf16>, tensor<1xi32>
  return
}

// -----

func.func @slot_twice() {
  %cache = arith.constant dense<0.0> : tensor<2x1x2x1xbf16>
  %x = arith.constant dense<0.0> : tensor<2x1x1xbf16>
  %slots = arith.constant dense<1> : tensor<2xi32>
  // expected-error @+1 {{slot_mapping names slot 1 twice}}
  %y = xf.cache_append %cache, %x, %slots : tensor<2x1x2x1xbf16>, tensor<2x1x1xbf16>, tensor<2xi32>
  return
}

// -----

func.func @more_queries_than_keys() {
  %q = arith.constant dense<0.0> : tensor<2x1x1xbf16>
  %kv = arith.constant dense<0.0> : tensor<1x1x2x1xbf16>
  %blocks = arith.constant dense<0> : tensor<1x1xi32>
  %cu = arith.constant dense<[0, 2]> : tensor<2xi32>
  %lens = arith.constant dense<1> : tensor<1xi32>
  // expected-error @+1 {{sequence 0 has 2 queries for 1 keys}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 1.0
      : tensor<2x1x1xbf16>, tensor<1x1x2x1xbf16>, tensor<1x1xi32>, tensor<2xi32>, tensor<1xi32>
  return
}

// -----

func.func @cu_seqlens_incomplete() {
  %q = arith.constant dense<0.0> : tensor<2x1x1xbf16>
  %kv = arith.constant dense<0.0> : tensor<1x1x2x1xbf16>
  %blocks = arith.constant dense<0> : tensor<1x1xi32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %lens = arith.constant dense<1> : tensor<1xi32>
  // expected-error @+1 {{cu_seqlens_q does not run from 0 to 2}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 1.0
      : tensor<2x1x1xbf16>, tensor<1x1x2x1xbf16>, tensor<1x1xi32>, tensor<2xi32>, tensor<1xi32>
  return
}

// -----

func.func @too_few_pages() {
  %q = arith.constant dense<0.0> : tensor<1x1x1xbf16>
  %kv = arith.constant dense<0.0> : tensor<1x1x2x1xbf16>
  %blocks = arith.constant dense<0> : tensor<1x1xi32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %lens = arith.constant dense<3> : tensor<1xi32>
  // expected-error @+1 {{sequence 0 needs 2 pages, but block_table has room for 1}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 1.0
      : tensor<1x1x1xbf16>, tensor<1x1x2x1xbf16>, tensor<1x1xi32>, tensor<2xi32>, tensor<1xi32>
  return
}

// -----

func.func @page_outside() {
  %q = arith.constant dense<0.0> : tensor<1x1x1xbf16>
  %kv = arith.constant dense<0.0> : tensor<1x1x2x1xbf16>
  %blocks = arith.constant dense<1> : tensor<1x1xi32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %lens = arith.constant dense<1> : tensor<1xi32>
  // expected-error @+1 {{block_table[0] is 1, which is not in [0, 1)}}
  %o = xf.attention %q, %kv, %kv, %blocks, %cu, %lens scale = 1.0
      : tensor<1x1x1xbf16>, tensor<1x1x2x1xbf16>, tensor<1x1xi32>, tensor<2xi32>, tensor<1xi32>
  return
}

// -----

// One symbol, one size.
func.func @symbol_of_two_sizes() {
  %a = arith.constant dense<0> : tensor<3xi32>
  %b = arith.constant dense<0> : tensor<5xi32>
  %x = xf_check.rename_sizes %a : tensor<3xi32> to tensor<?xi32, #xf.sizes<seqs>>
  // expected-error @+1 {{expects dimension 0 of 'tensor<?xi32, #xf.sizes<seqs + 1>>' to be 4, but got 5}}
  %y = xf_check.rename_sizes %b : tensor<5xi32> to tensor<?xi32, #xf.sizes<seqs + 1>>
  return
}

// -----

func.func @weights_not_given() {
  // expected-error @+1 {{no weights were given}}
  %w = xf.weight "lm_head.weight" from bf16 : tensor<2x2xbf16>
  return
}

// -----

func.func @unknown_op() {
  %c = arith.constant dense<1.0> : tensor<2xf32>
  // expected-error @+1 {{the interpreter does not know this op}}
  %x = arith.addf %c, %c : tensor<2xf32>
  return
}

// -----

// expected-error @+1 {{has no function without arguments to run}}
module {
  func.func @with_argument(%x: tensor<1xf32>) {
    return
  }
}
