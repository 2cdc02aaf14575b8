// RUN: tilewright-opt %s -split-input-file -verify-diagnostics

func.func @kernel_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects region arguments of types ('tensor<4xf32>'), but got ('tensor<5xf32>')}}
  "xf.kernel"(%x) <{family = #xf<kernel_family elementwise>, in_place = array<i64>}> ({
  ^bb0(%b: tensor<5xf32>):
    xf.yield
  }) : (tensor<4xf32>) -> ()
  return
}

// -----

func.func @kernel_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects 'xf.yield' to have types ('tensor<4xbf16>'), but got ('tensor<4xf32>')}}
  %y = xf.kernel elementwise (%b = %x : tensor<4xf32>) -> tensor<4xbf16> {
    xf.yield %b : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c3(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects 'in_place' to name operands below 1, but got 1}}
  %y = xf.kernel elementwise (%b = %x : tensor<4xf32>) -> tensor<4xf32> in_place [0 = 1] {
    xf.yield %b : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c3_count(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects 'in_place' to have 1 entries, but got 0}}
  %y = "xf.kernel"(%x) <{family = #xf<kernel_family elementwise>, in_place = array<i64>}> ({
  ^bb0(%b: tensor<4xf32>):
    xf.yield %b : tensor<4xf32>
  }) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @kernel_c3_twice(%k: tensor<2x1x2x1xf32>, %v: tensor<4x1x1xf32>, %s: tensor<4xi32>) {
  // expected-error @+1 {{expects 'in_place' to name operand 0 only once}}
  %y, %z = xf.kernel elementwise (%bk = %k : tensor<2x1x2x1xf32>, %bv = %v : tensor<4x1x1xf32>, %bs = %s : tensor<4xi32>)
      -> (tensor<2x1x2x1xf32>, tensor<2x1x2x1xf32>) in_place [0 = 0, 1 = 0] {
    %c = xf.cache_append %bk, %bv, %bs : tensor<2x1x2x1xf32>, tensor<4x1x1xf32>, tensor<4xi32>
    xf.yield %c, %c : tensor<2x1x2x1xf32>, tensor<2x1x2x1xf32>
  }
  return
}

// -----

func.func @kernel_c3_result(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected a result below 1}}
  %y = xf.kernel elementwise (%b = %x : tensor<4xf32>) -> tensor<4xf32> in_place [1 = 0] {
    xf.yield %b : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c4(%x: tensor<4xf32>, %z: tensor<5xf32>) {
  // expected-error @+1 {{expects result 0 to have the type of operand 1, whose place it takes}}
  %y = xf.kernel elementwise (%b = %x : tensor<4xf32>, %c = %z : tensor<5xf32>) -> tensor<4xf32> in_place [0 = 1] {
    xf.yield %b : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c5(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects 'in_place' of result 0 to be -1, as its cache appends are, but got 0}}
  %y = xf.kernel elementwise (%b = %x : tensor<4xf32>) -> tensor<4xf32> in_place [0 = 0] {
    xf.yield %b : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c5_missing(%k: tensor<2x1x2x1xf32>, %v: tensor<4x1x1xf32>, %s: tensor<4xi32>) {
  // expected-error @+1 {{expects 'in_place' of result 0 to be 0, as its cache appends are, but got -1}}
  %y = xf.kernel elementwise (%bk = %k : tensor<2x1x2x1xf32>, %bv = %v : tensor<4x1x1xf32>, %bs = %s : tensor<4xi32>)
      -> tensor<2x1x2x1xf32> {
    %c = xf.cache_append %bk, %bv, %bs : tensor<2x1x2x1xf32>, tensor<4x1x1xf32>, tensor<4xi32>
    xf.yield %c : tensor<2x1x2x1xf32>
  }
  return
}

// -----

func.func @kernel_c6(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects only xf ops, and no kernel, in its region}}
  %y = xf.kernel elementwise (%b = %x : tensor<4xf32>) -> tensor<4xf32> {
    // expected-note @+1 {{but got 'arith.addf'}}
    %s = arith.addf %b, %b : tensor<4xf32>
    xf.yield %s : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c6_nested(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects only xf ops, and no kernel, in its region}}
  %y = xf.kernel elementwise (%b = %x : tensor<4xf32>) -> tensor<4xf32> {
    // expected-note @+1 {{but got 'xf.kernel'}}
    %s = xf.kernel elementwise (%c = %b : tensor<4xf32>) -> tensor<4xf32> {
      xf.yield %c : tensor<4xf32>
    }
    xf.yield %s : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c7(%k: tensor<2x1x2x1xf32>, %v: tensor<4x1x1xf32>, %s: tensor<4xi32>) -> tensor<2x1x2x1xf32> {
  // expected-error @+1 {{overwrites operand 0, which is used later}}
  %y = xf.kernel elementwise (%bk = %k : tensor<2x1x2x1xf32>, %bv = %v : tensor<4x1x1xf32>, %bs = %s : tensor<4xi32>)
      -> tensor<2x1x2x1xf32> in_place [0 = 0] {
    %c = xf.cache_append %bk, %bv, %bs : tensor<2x1x2x1xf32>, tensor<4x1x1xf32>, tensor<4xi32>
    xf.yield %c : tensor<2x1x2x1xf32>
  }
  // expected-note @+1 {{by this op}}
  return %k : tensor<2x1x2x1xf32>
}
