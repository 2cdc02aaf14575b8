// RUN: tilewright-opt %s -tile-assign-layouts -split-input-file | FileCheck %s

// The product fixes the accumulator; loads, casts and the reduction follow it.
// CHECK-DAG: #[[$ACC:.*]] = #tile.layout<thread = [4:(0, 2), 8:(1, 0), 4:(16, 0)], register = [2:(0, 1), 2:(8, 0), 16:(0, 8)]>
// CHECK-DAG: #[[$ROWS:.*]] = #tile.layout<thread = [4:(0, 0), 8:(1, 0), 4:(16, 0)], register = [2:(8, 0)]>
// CHECK-DAG: #[[$COLUMNS:.*]] = #tile.layout<thread = [4:(0, 2), 32:(0, 0)], register = [2:(0, 1), 16:(0, 8)]>
!f = !tile.fragment<64x128xf32>
// CHECK-LABEL: tile.kernel @product
tile.kernel @product(%x: !tile.global<?x128xf32, [tokens]>, %bias: !tile.global<128xf32>) attributes {warps = 4} {
  %a = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %b = tile.alloc : !tile.shared<128x64xbf16, swizzle = 128>
  %c0 = arith.constant 0 : index
  %f0 = arith.constant 0.0 : f32
  // CHECK: tile.splat %{{.*}} : f32 to !tile.fragment<64x128xf32, #[[$ACC]]>
  %zero = tile.splat %f0 : f32 to !f
  %d = tile.mma %a, %b, %zero transpose_b : !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<128x64xbf16, swizzle = 128>, !f
  // CHECK: tile.load %{{.*}} : !tile.global<?x128xf32, [tokens]> to !tile.fragment<64x128xf32, #[[$ACC]]>
  %r = tile.load %x[%c0, %c0] like(%d : !f) : !tile.global<?x128xf32, [tokens]> to !f
  %y = arith.addf %d, %r : !f
  // CHECK: tile.load %{{.*}} : !tile.global<128xf32> to !tile.fragment<1x128xf32, #[[$COLUMNS]]>
  %row = tile.load %bias[%c0] : !tile.global<128xf32> to !tile.fragment<1x128xf32>
  %wide = tile.broadcast %row : !tile.fragment<1x128xf32> to !f
  %z = arith.addf %y, %wide : !f
  // CHECK: tile.reduce max %{{.*}} to !tile.fragment<64x1xf32, #[[$ROWS]]>
  %max = tile.reduce max %z 1 : !f to !tile.fragment<64x1xf32>
  %maxes = tile.broadcast %max : !tile.fragment<64x1xf32> to !f
  // CHECK: arith.subf %{{.*}} : !tile.fragment<64x128xf32, #[[$ACC]]>
  %s = arith.subf %z, %maxes : !f
  // CHECK-NOT: tile.convert
  tile.store %s to %x[%c0, %c0] : !f, !tile.global<?x128xf32, [tokens]>
}

// -----

// Values carried by a loop have one layout from the start.
// CHECK: #[[$ACC:.*]] = #tile.layout
// CHECK-LABEL: tile.kernel @carried
tile.kernel @carried(%x: !tile.global<64x64xf32>) attributes {warps = 4} {
  %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %f0 = arith.constant 0.0 : f32
  %zero = tile.splat %f0 : f32 to !tile.fragment<64x64xf32>
  // CHECK: scf.for {{.*}} -> (!tile.fragment<64x64xf32, #[[$ACC]]>)
  %d = scf.for %i = %c0 to %c8 step %c1 iter_args(%acc = %zero) -> (!tile.fragment<64x64xf32>) {
    %n = tile.mma %s, %s, %acc transpose_b : !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<64x64xbf16, swizzle = 128>, !tile.fragment<64x64xf32>
    scf.yield %n : !tile.fragment<64x64xf32>
  }
  tile.store %d to %x[%c0, %c0] : !tile.fragment<64x64xf32>, !tile.global<64x64xf32>
}

// -----

// Without a product: 16 bytes a thread, all threads busy. A row of 576 has 72
// such accesses, of which 128 threads could share 8; half of it is better.
// CHECK-DAG: #[[$WIDE:.*]] = #tile.layout<thread = [128:(0, 4)], register = [4:(0, 1), 2:(0, 512)]>
// CHECK-DAG: #[[$NARROW:.*]] = #tile.layout<thread = [16:(0, 4), 8:(1, 0)], register = [4:(0, 1), 9:(0, 64)]>
// CHECK-LABEL: tile.kernel @rows
tile.kernel @rows(%x: !tile.global<?x1024xf32, [tokens]>, %y: !tile.global<?x576xbf16, [tokens]>) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  // CHECK: tile.load %{{.*}} to !tile.fragment<1x1024xf32, #[[$WIDE]]>
  %f = tile.load %x[%c0, %c0] : !tile.global<?x1024xf32, [tokens]> to !tile.fragment<1x1024xf32>
  tile.store %f to %x[%c0, %c0] : !tile.fragment<1x1024xf32>, !tile.global<?x1024xf32, [tokens]>
  // CHECK: tile.load %{{.*}} to !tile.fragment<8x576xbf16, #[[$NARROW]]>
  %g = tile.load %y[%c0, %c0] : !tile.global<?x576xbf16, [tokens]> to !tile.fragment<8x576xbf16>
  tile.store %g to %y[%c0, %c0] : !tile.fragment<8x576xbf16>, !tile.global<?x576xbf16, [tokens]>
}

// -----

// Two products of different shape meet: one side is converted.
// CHECK-LABEL: tile.kernel @meeting
tile.kernel @meeting(%x: !tile.global<128x64xf32>) attributes {warps = 8} {
  %a = tile.alloc : !tile.shared<128x64xbf16, swizzle = 128>
  %b = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
  %c0 = arith.constant 0 : index
  %f0 = arith.constant 0.0 : f32
  %zero = tile.splat %f0 : f32 to !tile.fragment<128x64xf32>
  %d = tile.mma %a, %b, %zero transpose_b : !tile.shared<128x64xbf16, swizzle = 128>, !tile.shared<64x64xbf16, swizzle = 128>, !tile.fragment<128x64xf32>
  %max = tile.reduce max %d 0 : !tile.fragment<128x64xf32> to !tile.fragment<1x64xf32>
  %zero2 = tile.splat %f0 : f32 to !tile.fragment<64x64xf32>
  %e = tile.mma %b, %b, %zero2 transpose_b : !tile.shared<64x64xbf16, swizzle = 128>, !tile.shared<64x64xbf16, swizzle = 128>, !tile.fragment<64x64xf32>
  // CHECK: %[[MAX:.*]] = tile.reduce max
  // CHECK: %[[OTHER:.*]] = tile.convert %[[MAX]]
  // CHECK: tile.broadcast %[[OTHER]]
  %wide = tile.broadcast %max : !tile.fragment<1x64xf32> to !tile.fragment<64x64xf32>
  %f = arith.addf %e, %wide : !tile.fragment<64x64xf32>
  tile.store %f to %x[%c0, %c0] : !tile.fragment<64x64xf32>, !tile.global<128x64xf32>
}
