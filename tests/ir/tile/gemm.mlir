// RUN: tilewright-opt %s -verify-roundtrip -o /dev/null
// RUN: tilewright-opt %s | FileCheck %s

// A GEMM as an author writes it.

!ring = !tile.ring<4, !tile.shared<128x64xbf16, swizzle = 128>, !tile.shared<256x64xbf16, swizzle = 128>>
!sum = !tile.fragment<128x256xf32>

// CHECK-LABEL: tile.kernel @gemm
tile.kernel @gemm(%a: !tile.global<?x4096xbf16, [tokens]>, %b: !tile.global<7168x4096xbf16>,
                  %residual: !tile.global<?x7168xbf16, [tokens]>, %c: !tile.global<?x7168xbf16, [tokens]>)
    attributes {cluster = array<i64: 2, 1>, grid = ["sms"]} {
  %ring = tile.ring : !ring
  %tokens = tile.size %a, 0 : !tile.global<?x4096xbf16, [tokens]>
  %c7168 = arith.constant 7168 : index
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index

  // CHECK: tile.role @load warps = 1 registers = 40 {
  tile.role @load warps = 1 registers = 40 {
    // CHECK: tile.for_tiles (%[[M:.*]], %[[N:.*]]) in (%{{.*}}, %{{.*}}) step (128, 256) raster(persistent, group_m = 8) {
    tile.for_tiles (%m, %n) in (%tokens, %c7168) step (128, 256) raster(persistent, group_m = 8) {
      scf.for %k = %c0 to %c4096 step %c64 {
        // CHECK: %[[STAGE:.*]]:2 = tile.acquire
        %sa, %sb = tile.acquire %ring : !ring
        // CHECK: tile.copy %{{.*}}[%[[M]], %{{.*}}] to %[[STAGE]]#0
        tile.copy %a[%m, %k] to %sa : !tile.global<?x4096xbf16, [tokens]>, !tile.shared<128x64xbf16, swizzle = 128>
        // CHECK: tile.copy %{{.*}}[%[[N]], %{{.*}}] to %[[STAGE]]#1 {multicast = array<i64: 0>}
        tile.copy %b[%n, %k] to %sb {multicast = array<i64: 0>}
            : !tile.global<7168x4096xbf16>, !tile.shared<256x64xbf16, swizzle = 128>
        tile.commit %ring : !ring
      }
    }
  }
  // CHECK: tile.role @math warpgroups = 2 registers = 232 {
  tile.role @math warpgroups = 2 registers = 232 {
    %f0 = arith.constant 0.0 : f32
    tile.for_tiles (%m, %n) in (%tokens, %c7168) step (128, 256) raster(persistent, group_m = 8) {
      %zero = tile.splat %f0 : f32 to !sum
      %sum = scf.for %k = %c0 to %c4096 step %c64 iter_args(%acc = %zero) -> (!sum) {
        %sa, %sb = tile.wait %ring : !ring
        // CHECK: %[[NEXT:.*]] = tile.mma %{{.*}}#0, %{{.*}}#1, %{{.*}} transpose_b
        %next = tile.mma %sa, %sb, %acc transpose_b
            : !tile.shared<128x64xbf16, swizzle = 128>, !tile.shared<256x64xbf16, swizzle = 128>, !sum
        // CHECK: tile.release %{{.*}} after(%[[NEXT]] : !tile.fragment<128x256xf32>) {in_flight = 1 : i64}
        tile.release %ring after(%next : !sum) {in_flight = 1} : !ring
        scf.yield %next : !sum
      }
      %r = tile.load %residual[%m, %n] like(%sum : !sum)
          : !tile.global<?x7168xbf16, [tokens]> to !tile.fragment<128x256xbf16>
      %r32 = tile.cast %r : !tile.fragment<128x256xbf16> to !sum
      %y32 = arith.addf %sum, %r32 : !sum
      %y = tile.cast %y32 : !sum to !tile.fragment<128x256xbf16>
      tile.store %y to %c[%m, %n] : !tile.fragment<128x256xbf16>, !tile.global<?x7168xbf16, [tokens]>
    }
  }
}
