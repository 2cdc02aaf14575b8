// RUN: tilewright-opt %s -verify-roundtrip -o /dev/null
// RUN: tilewright-opt %s | FileCheck %s

// arith and math take fragments as they take vectors.

!f = !tile.fragment<64x128xf32>

// CHECK-LABEL: tile.kernel @elementwise
tile.kernel @elementwise(%x: !tile.global<?x128xf32, [tokens]>, %s: f32) attributes {warps = 4} {
  %c0 = arith.constant 0 : index
  %f = tile.load %x[%c0, %c0] : !tile.global<?x128xf32, [tokens]> to !f
  %g = tile.splat %s : f32 to !f
  // CHECK: arith.addf %{{.*}}, %{{.*}} : !tile.fragment<64x128xf32>
  %sum = arith.addf %f, %g : !f
  // CHECK: math.exp2
  %e = math.exp2 %sum : !f
  // CHECK: arith.cmpf olt, %{{.*}}, %{{.*}} : !tile.fragment<64x128xf32>
  %less = arith.cmpf olt, %e, %g : !f
  // CHECK: tile.select %{{.*}} : !tile.fragment<64x128xi1>, !tile.fragment<64x128xf32>
  %m = tile.select %less, %e, %g : !tile.fragment<64x128xi1>, !f
  %both = arith.andi %less, %less : !tile.fragment<64x128xi1>
  %column = tile.iota 1 : !tile.fragment<64x128xi32>
  %even = arith.addi %column, %column : !tile.fragment<64x128xi32>
  %max = arith.maximumf %m, %f : !f
  %h = tile.cast %max : !f to !tile.fragment<64x128xbf16>
  %bits = tile.bitcast %max : !f to !tile.fragment<64x128xi32>
  %true = arith.constant true
  %chosen = arith.select %true, %f, %g : !f
  tile.store %max to %x[%c0, %c0] : !f, !tile.global<?x128xf32, [tokens]>
}
