// RUN: tilewright-opt %s -tile-insert-fences -split-input-file | FileCheck %s

!s = !tile.shared<64x64xbf16, swizzle = 128>
!f = !tile.fragment<64x64xf32>

// A wait stands right before the first op that reads the result; a chain of
// products needs none.
// CHECK-LABEL: tile.kernel @products
tile.kernel @products(%x: !tile.global<64x64xf32>) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %f0 = arith.constant 0.0 : f32
  %s = tile.alloc : !s
  %zero = tile.splat %f0 : f32 to !f
  // CHECK:      tile.mma_fence
  // CHECK-NEXT: %[[A:.*]] = tile.mma
  // CHECK-NEXT: tile.mma_commit
  %a = tile.mma %s, %s, %zero transpose_b : !s, !s, !f
  // CHECK-NEXT: tile.mma_fence
  // CHECK-NEXT: %[[B:.*]] = tile.mma %{{.*}}, %{{.*}}, %[[A]]
  // CHECK-NEXT: tile.mma_commit
  %b = tile.mma %s, %s, %a transpose_b : !s, !s, !f
  // CHECK:      tile.load
  %l = tile.load %x[%c0, %c0] : !tile.global<64x64xf32> to !f
  // CHECK-NEXT: %[[DONE:.*]] = tile.mma_wait %[[B]]
  // CHECK-NEXT: arith.addf %[[DONE]]
  %y = arith.addf %b, %l : !f
  tile.store %y to %x[%c0, %c0] : !f, !tile.global<64x64xf32>
}

// -----

// What a loop carries is still running behind it, unless it waited itself.
!s = !tile.shared<64x64xbf16, swizzle = 128>
!f = !tile.fragment<64x64xf32>
// CHECK-LABEL: tile.kernel @loops
tile.kernel @loops(%x: !tile.global<64x64xf32>) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %f0 = arith.constant 0.0 : f32
  %s = tile.alloc : !s
  %zero = tile.splat %f0 : f32 to !f
  // CHECK: %[[RUNNING:.*]] = scf.for
  %running = scf.for %i = %c0 to %c8 step %c1 iter_args(%acc = %zero) -> (!f) {
    %n = tile.mma %s, %s, %acc transpose_b : !s, !s, !f
    // CHECK-NOT: tile.mma_wait
    // CHECK: scf.yield
    scf.yield %n : !f
  }
  // CHECK: tile.mma_wait %[[RUNNING]]
  tile.store %running to %x[%c0, %c0] : !f, !tile.global<64x64xf32>
  // CHECK: %[[DONE:.*]] = scf.for
  %done = scf.for %i = %c0 to %c8 step %c1 iter_args(%acc = %zero) -> (!f) {
    %n = tile.mma %s, %s, %acc transpose_b : !s, !s, !f
    // CHECK: tile.mma_wait
    %w = tile.mma_wait %n : !f
    // CHECK: scf.yield
    scf.yield %w : !f
  }
  // CHECK-NOT: tile.mma_wait
  // CHECK: tile.store %[[DONE]]
  tile.store %done to %x[%c0, %c0] : !f, !tile.global<64x64xf32>
}

// -----

// Stores are fenced before a copy reads them, copies waited for before the next
// store: that of the last round too, so the wait is in the loop from the start.
// Of two buffers used in turn, the copy of the other one may run on.
!s = !tile.shared<64x64xbf16, swizzle = 128>
// CHECK-LABEL: tile.kernel @staging
// CHECK-DAG: %[[A:.*]] = tile.alloc {overlay = "a"}
// CHECK-DAG: %[[B:.*]] = tile.alloc {overlay = "b"}
tile.kernel @staging(%x: !tile.global<?x64xbf16, [tokens]>, %f: i32) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c640 = arith.constant 640 : index
  %a = tile.alloc {overlay = "a"} : !s
  %b = tile.alloc {overlay = "b"} : !s
  %h = tile.load %x[%c0, %c0] : !tile.global<?x64xbf16, [tokens]> to !tile.fragment<64x64xbf16>
  // CHECK: scf.for
  scf.for %i = %c0 to %c640 step %c64 {
    // CHECK-NEXT: tile.copy_wait 1
    // CHECK-NEXT: tile.store_matrix %{{.*}} to %[[A]]
    tile.store_matrix %h to %a : !tile.fragment<64x64xbf16>, !s
    // CHECK-NEXT: tile.fence_async
    // CHECK-NEXT: tile.sync
    // CHECK-NEXT: tile.copy_out %[[A]]
    tile.copy_out %a to %x[%i, %c0] : !s, !tile.global<?x64xbf16, [tokens]>
    // CHECK-NEXT: tile.copy_wait 1
    // CHECK-NEXT: tile.store_matrix %{{.*}} to %[[B]]
    tile.store_matrix %h to %b : !tile.fragment<64x64xbf16>, !s
    // CHECK-NEXT: tile.fence_async
    // CHECK-NEXT: tile.sync
    // CHECK-NEXT: tile.copy_out %[[B]]
    tile.copy_out %b to %x[%i, %c0] : !s, !tile.global<?x64xbf16, [tokens]>
  }
  // The memory is gone when the CTA ends.
  // CHECK: tile.copy_wait 0
  // CHECK-NEXT: }
}

// -----

// A wait of the author's is enough where it is for the copy of the buffer that
// is stored to; where it lets that one run on, another one follows.
!s = !tile.shared<64x64xbf16, swizzle = 128>
// CHECK-LABEL: tile.kernel @waits
// CHECK-DAG: %[[A:.*]] = tile.alloc {overlay = "a"}
// CHECK-DAG: %[[B:.*]] = tile.alloc {overlay = "b"}
tile.kernel @waits(%x: !tile.global<?x64xbf16, [tokens]>) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %a = tile.alloc {overlay = "a"} : !s
  %b = tile.alloc {overlay = "b"} : !s
  %h = tile.load %x[%c0, %c0] : !tile.global<?x64xbf16, [tokens]> to !tile.fragment<64x64xbf16>
  // CHECK: tile.copy_out %[[A]]
  tile.copy_out %a to %x[%c0, %c0] : !s, !tile.global<?x64xbf16, [tokens]>
  // CHECK-NEXT: tile.copy_out %[[B]]
  tile.copy_out %b to %x[%c0, %c0] : !s, !tile.global<?x64xbf16, [tokens]>
  // CHECK-NEXT: tile.copy_wait 1
  tile.copy_wait 1
  // CHECK-NEXT: tile.store_matrix %{{.*}} to %[[A]]
  tile.store_matrix %h to %a : !tile.fragment<64x64xbf16>, !s
  // CHECK-NEXT: tile.copy_wait 0
  // CHECK-NEXT: tile.store_matrix %{{.*}} to %[[B]]
  tile.store_matrix %h to %b : !tile.fragment<64x64xbf16>, !s
  // CHECK-NEXT: }
}

// -----

// A product reads what the role wrote; what the author fenced is left alone.
!s = !tile.shared<64x64xbf16, swizzle = 128>
!f = !tile.fragment<64x64xf32>
// CHECK-LABEL: tile.kernel @operand
tile.kernel @operand(%x: !tile.global<64x64xbf16>) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %f0 = arith.constant 0.0 : f32
  %s = tile.alloc : !s
  %zero = tile.splat %f0 : f32 to !f
  %h = tile.load %x[%c0, %c0] : !tile.global<64x64xbf16> to !tile.fragment<64x64xbf16>
  // CHECK: tile.store_matrix
  // CHECK-NEXT: tile.fence_async
  // CHECK-NEXT: tile.sync
  // CHECK-NEXT: tile.mma_fence
  tile.store_matrix %h to %s : !tile.fragment<64x64xbf16>, !s
  %d = tile.mma %s, %s, %zero transpose_b : !s, !s, !f
  %w = tile.mma_wait %d : !f
  // CHECK: tile.store_matrix
  // CHECK-NEXT: tile.fence_async
  // CHECK-NEXT: tile.sync
  // CHECK-NEXT: tile.mma_fence
  tile.store_matrix %h to %s : !tile.fragment<64x64xbf16>, !s
  tile.fence_async
  tile.sync
  %e = tile.mma %s, %s, %w transpose_b : !s, !s, !f
}
