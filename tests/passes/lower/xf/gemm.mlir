// RUN: tilewright-opt %s --lower-xf-to-tile | FileCheck %s

// A bf16 result with tokens along M leaves through a tile in shared memory.
// CHECK-LABEL: tile.kernel @gemm_256x128_staged_0
// CHECK:         %[[STAGING:.*]] = tile.alloc : !tile.shared<128x256xbf16, swizzle = 128>
// CHECK:         tile.ring : !tile.ring<3
// CHECK:         tile.role @math warpgroups = 2
// CHECK:           tile.mma
// CHECK:           tile.store_matrix %{{.*}} to %[[STAGING]]
// CHECK-NEXT:      tile.copy_out %[[STAGING]] to %{{.*}}[%{{.*}}, %{{.*}}]
// CHECK-NOT:       tile.store
func.func @staged(%x: tensor<?x128xbf16, #xf.sizes<tokens>>, %w: tensor<256x128xbf16>) -> tensor<?x256xbf16, #xf.sizes<tokens>> {
  %y = xf.kernel gemm (%a = %x : tensor<?x128xbf16, #xf.sizes<tokens>>, %b = %w : tensor<256x128xbf16>) -> tensor<?x256xbf16, #xf.sizes<tokens>> config {BLOCK_M = 128 : i64, BLOCK_N = 256 : i64, BLOCK_K = 64 : i64, num_stages = 3 : i64, math_warpgroups = 2 : i64, swap_ab = 0 : i64, split_k = 1 : i64, multicast = 1 : i64, group_m = 8 : i64, pingpong = 0 : i64, slice = 256 : i64} {
    %p = xf.matmul %a, %b : tensor<?x128xbf16, #xf.sizes<tokens>>, tensor<256x128xbf16> -> tensor<?x256xbf16, #xf.sizes<tokens>>
    xf.yield %p : tensor<?x256xbf16, #xf.sizes<tokens>>
  }
  return %y : tensor<?x256xbf16, #xf.sizes<tokens>>
}

// An f32 result does not.
// CHECK-LABEL: tile.kernel @gemm_256x128_wide_1
// CHECK-NOT:     tile.alloc
// CHECK:         tile.store %
func.func @wide(%x: tensor<?x128xbf16, #xf.sizes<tokens>>, %w: tensor<256x128xbf16>) -> tensor<?x256xf32, #xf.sizes<tokens>> {
  %y = xf.kernel gemm (%a = %x : tensor<?x128xbf16, #xf.sizes<tokens>>, %b = %w : tensor<256x128xbf16>) -> tensor<?x256xf32, #xf.sizes<tokens>> config {BLOCK_M = 128 : i64, BLOCK_N = 256 : i64, BLOCK_K = 64 : i64, num_stages = 3 : i64, math_warpgroups = 2 : i64, swap_ab = 0 : i64, split_k = 1 : i64, multicast = 1 : i64, group_m = 8 : i64, pingpong = 0 : i64, slice = 256 : i64} {
    %p = xf.matmul %a, %b : tensor<?x128xbf16, #xf.sizes<tokens>>, tensor<256x128xbf16> -> tensor<?x256xf32, #xf.sizes<tokens>>
    xf.yield %p : tensor<?x256xf32, #xf.sizes<tokens>>
  }
  return %y : tensor<?x256xf32, #xf.sizes<tokens>>
}

// Nor one whose rows no tensor map can address: 100 elements are 200 bytes.
// CHECK-LABEL: tile.kernel @gemm_100x128_odd_2
// CHECK-NOT:     tile.copy_out
// CHECK:         tile.store %
func.func @odd(%x: tensor<?x128xbf16, #xf.sizes<tokens>>, %w: tensor<100x128xbf16>) -> tensor<?x100xbf16, #xf.sizes<tokens>> {
  %y = xf.kernel gemm (%a = %x : tensor<?x128xbf16, #xf.sizes<tokens>>, %b = %w : tensor<100x128xbf16>) -> tensor<?x100xbf16, #xf.sizes<tokens>> config {BLOCK_M = 64 : i64, BLOCK_N = 64 : i64, BLOCK_K = 64 : i64, num_stages = 3 : i64, math_warpgroups = 1 : i64, swap_ab = 0 : i64, split_k = 1 : i64, multicast = 1 : i64, group_m = 8 : i64, pingpong = 0 : i64, slice = 64 : i64} {
    %p = xf.matmul %a, %b : tensor<?x128xbf16, #xf.sizes<tokens>>, tensor<100x128xbf16> -> tensor<?x100xbf16, #xf.sizes<tokens>>
    xf.yield %p : tensor<?x100xbf16, #xf.sizes<tokens>>
  }
  return %y : tensor<?x100xbf16, #xf.sizes<tokens>>
}

// A cluster shares K: its parts meet in rank 0, which alone stores.
// CHECK-LABEL: tile.kernel @gemm_256x1024_split_3
// CHECK-SAME:    cluster = array<i64: 1, 1, 4>
// CHECK:         tile.role @math
// CHECK:           tile.for_tiles {{.*}} step (8, 64, 256) raster(persistent
// CHECK:             %[[SUM:.*]] = tile.cluster_sum
// CHECK:             %[[RANK:.*]] = tile.cluster_rank
// CHECK:             %[[FIRST:.*]] = arith.cmpi eq, %[[RANK]]
// CHECK:             scf.if %[[FIRST]]
// CHECK:               tile.store_matrix %{{.*}} to %[[STAGING:.*]] transpose : !tile.fragment<64x8xbf16>, !tile.shared<8x64xbf16, swizzle = 128>
// CHECK-NEXT:          tile.copy_out %[[STAGING]]
func.func @split(%x: tensor<?x1024xbf16, #xf.sizes<tokens>>, %w: tensor<256x1024xbf16>) -> tensor<?x256xbf16, #xf.sizes<tokens>> {
  %y = xf.kernel gemm (%a = %x : tensor<?x1024xbf16, #xf.sizes<tokens>>, %b = %w : tensor<256x1024xbf16>) -> tensor<?x256xbf16, #xf.sizes<tokens>> config {BLOCK_M = 8 : i64, BLOCK_N = 64 : i64, BLOCK_K = 64 : i64, num_stages = 4 : i64, math_warpgroups = 1 : i64, swap_ab = 1 : i64, split_k = 4 : i64, multicast = 1 : i64, group_m = 8 : i64, pingpong = 0 : i64, slice = 64 : i64} {
    %p = xf.matmul %a, %b : tensor<?x1024xbf16, #xf.sizes<tokens>>, tensor<256x1024xbf16> -> tensor<?x256xbf16, #xf.sizes<tokens>>
    xf.yield %p : tensor<?x256xbf16, #xf.sizes<tokens>>
  }
  return %y : tensor<?x256xbf16, #xf.sizes<tokens>>
}

// CTAs of different tokens fetch the weights that they share together.
// CHECK-LABEL: tile.kernel @gemm_256x128_shared_4
// CHECK-SAME:    cluster = array<i64: 2, 1>
// CHECK:         tile.role @load
// CHECK:           tile.copy %arg0[{{.*}}] to %{{[^{]*}} : !tile.global<?x128xbf16
// CHECK:           tile.copy %arg1[{{.*}}] to %{{.*}} {multicast = array<i64: 0>} : !tile.global<256x128xbf16>
func.func @shared(%x: tensor<?x128xbf16, #xf.sizes<tokens>>, %w: tensor<256x128xbf16>) -> tensor<?x256xbf16, #xf.sizes<tokens>> {
  %y = xf.kernel gemm (%a = %x : tensor<?x128xbf16, #xf.sizes<tokens>>, %b = %w : tensor<256x128xbf16>) -> tensor<?x256xbf16, #xf.sizes<tokens>> config {BLOCK_M = 64 : i64, BLOCK_N = 128 : i64, BLOCK_K = 64 : i64, num_stages = 3 : i64, math_warpgroups = 1 : i64, swap_ab = 0 : i64, split_k = 1 : i64, multicast = 2 : i64, group_m = 8 : i64, pingpong = 0 : i64, slice = 128 : i64} {
    %p = xf.matmul %a, %b : tensor<?x128xbf16, #xf.sizes<tokens>>, tensor<256x128xbf16> -> tensor<?x256xbf16, #xf.sizes<tokens>>
    xf.yield %p : tensor<?x256xbf16, #xf.sizes<tokens>>
  }
  return %y : tensor<?x256xbf16, #xf.sizes<tokens>>
}

// With swapped operands what is read and written passes through a tile in which
// tokens are rows; one tile serves both ways.
// CHECK-LABEL: tile.kernel @gemm_256x128_add_turned_5
// CHECK:         %[[STAGING:.*]] = tile.alloc : !tile.shared<16x64xbf16, swizzle = 128>
// CHECK-NOT:     tile.alloc
// CHECK:           %[[ROWS:.*]] = tile.load %{{.*}} : !tile.global<?x256xbf16, [tokens]> to !tile.fragment<16x64xbf16>
// CHECK:           tile.store %[[ROWS]] to %[[STAGING]]
// CHECK-NEXT:      tile.sync
// CHECK-NEXT:      tile.load_matrix %[[STAGING]] transpose
// CHECK-NEXT:      tile.sync
// CHECK:           tile.store_matrix %{{.*}} to %[[STAGING]] transpose
// CHECK-NEXT:      tile.copy_out %[[STAGING]]
func.func @turned(%x: tensor<?x128xbf16, #xf.sizes<tokens>>, %w: tensor<256x128xbf16>, %r: tensor<?x256xbf16, #xf.sizes<tokens>>) -> tensor<?x256xbf16, #xf.sizes<tokens>> {
  %y = xf.kernel gemm (%a = %x : tensor<?x128xbf16, #xf.sizes<tokens>>, %b = %w : tensor<256x128xbf16>, %c = %r : tensor<?x256xbf16, #xf.sizes<tokens>>) -> tensor<?x256xbf16, #xf.sizes<tokens>> config {BLOCK_M = 16 : i64, BLOCK_N = 64 : i64, BLOCK_K = 64 : i64, num_stages = 3 : i64, math_warpgroups = 1 : i64, swap_ab = 1 : i64, split_k = 1 : i64, multicast = 1 : i64, group_m = 8 : i64, pingpong = 0 : i64, slice = 64 : i64} {
    %p = xf.matmul %a, %b : tensor<?x128xbf16, #xf.sizes<tokens>>, tensor<256x128xbf16> -> tensor<?x256xbf16, #xf.sizes<tokens>>
    %s = xf.add %c, %p : tensor<?x256xbf16, #xf.sizes<tokens>>, tensor<?x256xbf16, #xf.sizes<tokens>>
    xf.yield %s : tensor<?x256xbf16, #xf.sizes<tokens>>
  }
  return %y : tensor<?x256xbf16, #xf.sizes<tokens>>
}

// Rows that no tensor map can address are stored from registers, turned.
// CHECK-LABEL: tile.kernel @gemm_100x128_turned_odd_6
// CHECK:           tile.store_matrix %{{.*}} to %[[STAGING:.*]] transpose
// CHECK-NEXT:      tile.sync
// CHECK:           %[[ROWS:.*]] = tile.load %[[STAGING]]{{.*}} to !tile.fragment<16x64xbf16>
// CHECK-NEXT:      tile.sync
// CHECK:           tile.store %[[ROWS]]
func.func @turned_odd(%x: tensor<?x128xbf16, #xf.sizes<tokens>>, %w: tensor<100x128xbf16>) -> tensor<?x100xbf16, #xf.sizes<tokens>> {
  %y = xf.kernel gemm (%a = %x : tensor<?x128xbf16, #xf.sizes<tokens>>, %b = %w : tensor<100x128xbf16>) -> tensor<?x100xbf16, #xf.sizes<tokens>> config {BLOCK_M = 16 : i64, BLOCK_N = 64 : i64, BLOCK_K = 64 : i64, num_stages = 3 : i64, math_warpgroups = 1 : i64, swap_ab = 1 : i64, split_k = 1 : i64, multicast = 1 : i64, group_m = 8 : i64, pingpong = 0 : i64, slice = 64 : i64} {
    %p = xf.matmul %a, %b : tensor<?x128xbf16, #xf.sizes<tokens>>, tensor<100x128xbf16> -> tensor<?x100xbf16, #xf.sizes<tokens>>
    xf.yield %p : tensor<?x100xbf16, #xf.sizes<tokens>>
  }
  return %y : tensor<?x100xbf16, #xf.sizes<tokens>>
}

// A head of keys goes to cache rows that lie anywhere, each token's in whole
// accesses.
// CHECK-LABEL: tile.kernel @gemm_192x128_append_turned_append_7
// CHECK:           tile.store_matrix %{{.*}} to %[[STAGING:.*]] transpose
// CHECK:           %[[ROWS:.*]] = tile.load %[[STAGING]]{{.*}} to !tile.fragment<16x64xbf16>
// CHECK:           tile.store %[[ROWS]] to %{{.*}} rows(%{{.*}} : !tile.fragment<16x1xi32>)
!cache = tensor<?x3x64x64xbf16, #xf.sizes<pages>>
!slots = tensor<?xi32, #xf.sizes<tokens>>
func.func @turned_append(%x: tensor<?x128xbf16, #xf.sizes<tokens>>, %w: tensor<192x128xbf16>, %k: !cache, %slots: !slots) -> !cache {
  %y = xf.kernel gemm (%a = %x : tensor<?x128xbf16, #xf.sizes<tokens>>, %b = %w : tensor<192x128xbf16>, %c = %k : !cache, %d = %slots : !slots) -> !cache in_place [0 = 2] config {BLOCK_M = 16 : i64, BLOCK_N = 64 : i64, BLOCK_K = 64 : i64, num_stages = 3 : i64, math_warpgroups = 1 : i64, swap_ab = 1 : i64, split_k = 1 : i64, multicast = 1 : i64, group_m = 8 : i64, pingpong = 0 : i64, slice = 64 : i64} {
    %p = xf.matmul %a, %b : tensor<?x128xbf16, #xf.sizes<tokens>>, tensor<192x128xbf16> -> tensor<?x192xbf16, #xf.sizes<tokens>>
    %h = xf.reshape %p : tensor<?x192xbf16, #xf.sizes<tokens>> to tensor<?x3x64xbf16, #xf.sizes<tokens>>
    %n = xf.cache_append %c, %h, %d : !cache, tensor<?x3x64xbf16, #xf.sizes<tokens>>, !slots
    xf.yield %n : !cache
  }
  return %y : !cache
}

// A norm over heads of 256 columns works on slices of 64: the sum takes all
// four, then each is normalized. Outputs exclude each other, so that no branch
// keeps accumulators for the next.
// CHECK-LABEL: tile.kernel @{{.*}}norm_wide
// CHECK:         scf.if
// CHECK-COUNT-4:   tile.reduce add
// CHECK:           math.rsqrt
// CHECK-NOT:       tile.reduce
// CHECK-COUNT-4:   tile.store %{{.*}} : !tile.fragment<64x64xbf16>
// CHECK:         } else {
// CHECK:           scf.if
// CHECK-NOT:         tile.reduce
// CHECK-COUNT-4:     tile.store %{{.*}} : !tile.fragment<64x64xbf16>
!tokens = tensor<?x512xbf16, #xf.sizes<tokens>>
!flat = tensor<?x256xbf16, #xf.sizes<tokens>>
!head = tensor<?x1x256xbf16, #xf.sizes<tokens>>
func.func @norm_wide(%x: tensor<?x128xbf16, #xf.sizes<tokens>>, %w: tensor<512x128xbf16>, %g: tensor<256xbf16>) -> (!head, !head) {
  %q, %v = xf.kernel gemm (%a = %x : tensor<?x128xbf16, #xf.sizes<tokens>>, %b = %w : tensor<512x128xbf16>, %c = %g : tensor<256xbf16>) -> (!head, !head) config {BLOCK_M = 64 : i64, BLOCK_N = 256 : i64, BLOCK_K = 64 : i64, num_stages = 3 : i64, math_warpgroups = 1 : i64, swap_ab = 0 : i64, split_k = 1 : i64, multicast = 1 : i64, group_m = 8 : i64, pingpong = 0 : i64, slice = 64 : i64} {
    %p = xf.matmul %a, %b : tensor<?x128xbf16, #xf.sizes<tokens>>, tensor<512x128xbf16> -> !tokens
    %qf, %vf = xf.split %p dim 1 : !tokens -> !flat, !flat
    %qh = xf.reshape %qf : !flat to !head
    %vh = xf.reshape %vf : !flat to !head
    %n = xf.rms_norm %qh, %c, epsilon = 1.0e-6 : !head, tensor<256xbf16>
    xf.yield %n, %vh : !head, !head
  }
  return %q, %v : !head, !head
}
