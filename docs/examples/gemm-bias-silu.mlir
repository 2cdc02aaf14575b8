// y = silu(a b^T + bias), for any number of tokens: docs/writing-a-kernel.md
// explains it line by line, tests/conformance/ExampleTest.cpp runs it.

!a_tile = !tile.shared<64x64xbf16, swizzle = 128>
!b_tile = !tile.shared<128x64xbf16, swizzle = 128>
!ring = !tile.ring<4, !a_tile, !b_tile>
!sum = !tile.fragment<64x128xf32>

tile.kernel @gemm_bias_silu(
    %a: !tile.global<?x512xbf16, [tokens]>, %b: !tile.global<384x512xbf16>,
    %bias: !tile.global<384xbf16>, %y: !tile.global<?x384xbf16, [tokens]>)
    attributes {grid = [["min", ["mul", ["ceildiv", "tokens", 64], 3], "sms"]]} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %k_end = arith.constant 512 : index
  %n_end = arith.constant 384 : index
  %tokens = tile.size %a, 0 : !tile.global<?x512xbf16, [tokens]>
  %ring = tile.ring : !ring

  // One warp keeps the ring full.
  tile.role @load warps = 1 registers = 40 {
    tile.for_tiles (%m, %n) in (%tokens, %n_end) step (64, 128) raster(persistent, group_m = 8) {
      scf.for %k = %c0 to %k_end step %c64 {
        %sa, %sb = tile.acquire %ring : !ring
        tile.copy %a[%m, %k] to %sa : !tile.global<?x512xbf16, [tokens]>, !a_tile
        tile.copy %b[%n, %k] to %sb : !tile.global<384x512xbf16>, !b_tile
        tile.commit %ring : !ring
      }
    }
  }

  // One warpgroup multiplies, and finishes each tile in registers.
  tile.role @math warpgroups = 1 registers = 232 {
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %minus_log2e = arith.constant -1.44269504 : f32
    tile.for_tiles (%m, %n) in (%tokens, %n_end) step (64, 128) raster(persistent, group_m = 8) {
      %init = tile.splat %zero : f32 to !sum
      %sum = scf.for %k = %c0 to %k_end step %c64 iter_args(%acc = %init) -> (!sum) {
        %sa, %sb = tile.wait %ring : !ring
        %next = tile.mma %sa, %sb, %acc transpose_b : !a_tile, !b_tile, !sum
        tile.release %ring after(%next : !sum) {in_flight = 1} : !ring
        scf.yield %next : !sum
      }

      // The bias of these 128 columns, the same for all rows.
      %bias_row = tile.load %bias[%n] {dims = array<i64: -1, 0>} : !tile.global<384xbf16> to !tile.fragment<1x128xbf16>
      %bias_f32 = tile.cast %bias_row : !tile.fragment<1x128xbf16> to !tile.fragment<1x128xf32>
      %bias_all = tile.broadcast %bias_f32 : !tile.fragment<1x128xf32> to !sum
      %x = arith.addf %sum, %bias_all : !sum

      // silu(x) = x / (1 + 2^(-x log2 e))
      %scale = tile.splat %minus_log2e : f32 to !sum
      %exponent = arith.mulf %x, %scale : !sum
      %power = math.exp2 %exponent : !sum
      %ones = tile.splat %one : f32 to !sum
      %denominator = arith.addf %power, %ones : !sum
      %silu = arith.divf %x, %denominator : !sum

      %rounded = tile.cast %silu : !sum to !tile.fragment<64x128xbf16>
      tile.store %rounded to %y[%m, %n] : !tile.fragment<64x128xbf16>, !tile.global<?x384xbf16, [tokens]>
    }
  }
}
