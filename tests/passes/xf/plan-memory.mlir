// RUN: tilewright-opt %s -xf-plan-memory -split-input-file | FileCheck %s
// RUN: tilewright-opt %s -xf-plan-memory="alignment=64" -split-input-file | FileCheck %s --check-prefix=ALIGN

!x = tensor<?x64xbf16, #xf.sizes<tokens>>
!wide = tensor<?x256xbf16, #xf.sizes<tokens>>

// 4 tokens: 512 bytes narrow, 2048 wide. The first is dead when the third is
// made, which takes its place; the last is an output and in no arena.
// CHECK-LABEL: func @chain
// CHECK-SAME:    xf.activation_bytes = 2560 : i64
// CHECK:         xf.kernel elementwise {{.*}} attributes {xf.offsets = array<i64: 2048>}
// CHECK:         xf.kernel gemm {{.*}} attributes {xf.offsets = array<i64: 0>}
// CHECK:         xf.kernel gemm {{.*}} attributes {xf.offsets = array<i64: 2048>}
// CHECK:         xf.kernel elementwise {{.*}} attributes {xf.offsets = array<i64: -1>}
func.func @chain(%x: !x, %up: tensor<256x64xbf16>, %down: tensor<64x256xbf16>) -> !x
    attributes {xf.bounds = {tokens = 4 : i64}} {
  %a = xf.kernel elementwise (%bx = %x : !x) -> (!x) {
    %y = xf.scale %bx by 2.0 : !x
    xf.yield %y : !x
  }
  %b = xf.kernel gemm (%bx = %a : !x, %bw = %up : tensor<256x64xbf16>) -> (!wide) {
    %y = xf.matmul %bx, %bw : !x, tensor<256x64xbf16> -> !wide
    xf.yield %y : !wide
  }
  %c = xf.kernel gemm (%bx = %b : !wide, %bw = %down : tensor<64x256xbf16>) -> (!x) {
    %y = xf.matmul %bx, %bw : !wide, tensor<64x256xbf16> -> !x
    xf.yield %y : !x
  }
  %d = xf.kernel elementwise (%bx = %c : !x) -> (!x) {
    %y = xf.scale %bx by 2.0 : !x
    xf.yield %y : !x
  }
  return %d : !x
}

// -----

!x = tensor<?x64xbf16, #xf.sizes<tokens>>

// A residual that lives on keeps its place: three values of 384 bytes, aligned
// to 256 each, side by side.
// CHECK-LABEL: func @long_lived
// CHECK-SAME:    xf.activation_bytes = 1536 : i64
// CHECK:         attributes {xf.offsets = array<i64: 0>}
// CHECK:         attributes {xf.offsets = array<i64: 512>}
// CHECK:         attributes {xf.offsets = array<i64: 1024>}
// ALIGN-LABEL: func @long_lived
// ALIGN-SAME:    xf.activation_bytes = 1152 : i64
// ALIGN:         attributes {xf.offsets = array<i64: 0>}
// ALIGN:         attributes {xf.offsets = array<i64: 384>}
// ALIGN:         attributes {xf.offsets = array<i64: 768>}
func.func @long_lived(%x: !x) -> !x attributes {xf.bounds = {tokens = 3 : i64}} {
  %a = xf.kernel elementwise (%bx = %x : !x) -> (!x) {
    %y = xf.scale %bx by 2.0 : !x
    xf.yield %y : !x
  }
  %b = xf.kernel elementwise (%bx = %a : !x) -> (!x) {
    %y = xf.scale %bx by 2.0 : !x
    xf.yield %y : !x
  }
  %c = xf.kernel elementwise (%bx = %b : !x) -> (!x) {
    %y = xf.scale %bx by 2.0 : !x
    xf.yield %y : !x
  }
  %d = xf.kernel elementwise (%bx = %c : !x, %br = %a : !x) -> (!x) {
    %y = xf.add %bx, %br : !x, !x
    xf.yield %y : !x
  }
  return %d : !x
}

// -----

!k = tensor<?x1x16x64xbf16, #xf.sizes<pages>>
!h = tensor<?x1x64xbf16, #xf.sizes<tokens>>

// What is in place of an operand needs no room, and no bound of its pages.
// CHECK-LABEL: func @in_place
// CHECK-SAME:    xf.activation_bytes = 0 : i64
// CHECK:         attributes {xf.offsets = array<i64: -1>}
func.func @in_place(%k0: !k, %x: !h, %slots: tensor<?xi32, #xf.sizes<tokens>>) attributes {xf.bounds = {tokens = 4 : i64}} {
  %k1 = xf.kernel elementwise (%bk = %k0 : !k, %bx = %x : !h, %bs = %slots : tensor<?xi32, #xf.sizes<tokens>>)
      -> (!k) in_place [0 = 0] {
    %y = xf.cache_append %bk, %bx, %bs : !k, !h, tensor<?xi32, #xf.sizes<tokens>>
    xf.yield %y : !k
  }
  return
}
