// RUN: tilewright-opt %s -tile-assign-layouts | FileCheck %s

// Halves of an accumulator, rotated and put together again: no thread gives
// anything to another, and the whole has the layout it started with.
// CHECK-DAG: #[[$ACC:.*]] = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 8:(0, 8)]>
// CHECK-DAG: #[[$HALF:.*]] = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 4:(0, 8)]>
// CHECK-LABEL: tile.kernel @parts
tile.kernel @parts(%x: !tile.global<64x64xf32>) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %c0 = arith.constant 0 : index
  %f0 = arith.constant 0.0 : f32
  %zero = tile.splat %f0 : f32 to !tile.fragment<64x64xf32>
  %d = tile.mma %s, %s, %zero transpose_b : !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<64x64xbf16, swizzle = 128>, !tile.fragment<64x64xf32>
  // CHECK: tile.deinterleave %{{.*}} to !tile.fragment<64x32xf32, #[[$HALF]]>
  %a, %b = tile.deinterleave %d 1 group 8 : !tile.fragment<64x64xf32> to !tile.fragment<64x32xf32>
  %c = arith.subf %a, %b : !tile.fragment<64x32xf32>
  // CHECK: tile.interleave %{{.*}} to !tile.fragment<64x64xf32, #[[$ACC]]>
  %e = tile.interleave %c, %a 1 group 8 : !tile.fragment<64x32xf32> to !tile.fragment<64x64xf32>
  // CHECK: tile.extract %{{.*}}[0, 32] : !tile.fragment<64x64xf32, #[[$ACC]]> to !tile.fragment<64x32xf32, #[[$HALF]]>
  %right = tile.extract %e[0, 32] : !tile.fragment<64x64xf32> to !tile.fragment<64x32xf32>
  // CHECK-NOT: tile.convert
  %f = arith.addf %right, %c : !tile.fragment<64x32xf32>
  tile.store %f to %x[%c0, %c0] : !tile.fragment<64x32xf32>, !tile.global<64x64xf32>
}
