// RUN: tilewright-opt %s -tile-expand-tile-loops -canonicalize -cse | FileCheck %s

// Groups of 8 rows of tiles; the last group may be lower, so the height of each
// is taken from what is left. The third dimension is outermost.
// CHECK-LABEL: tile.kernel @grouped
// CHECK-DAG:     %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG:     %[[PER_GROUP:.*]] = arith.constant 32 : index
// CHECK:         scf.for %[[T:.*]] =
// CHECK:           %[[SLICE:.*]] = arith.remui %[[T]], %[[PER_SLICE:[^ ]*]]
// CHECK:           %[[GROUP:.*]] = arith.divui %[[SLICE]], %[[PER_GROUP]]
// CHECK:           %[[FIRST:.*]] = arith.muli %[[GROUP]], %[[C8]]
// CHECK:           %[[INSIDE:.*]] = arith.remui %[[SLICE]], %[[PER_GROUP]]
// CHECK:           %[[LEFT:.*]] = arith.subi %{{.*}}, %[[FIRST]]
// CHECK:           %[[HEIGHT:.*]] = arith.minui %[[LEFT]], %[[C8]]
// CHECK:           %[[DOWN:.*]] = arith.remui %[[INSIDE]], %[[HEIGHT]]
// CHECK:           %[[M:.*]] = arith.addi %[[FIRST]], %[[DOWN]]
// CHECK:           %[[N:.*]] = arith.divui %[[INSIDE]], %[[HEIGHT]]
// CHECK:           %[[B:.*]] = arith.divui %[[T]], %[[PER_SLICE]]
// CHECK:           arith.muli %[[M]], %{{.*}}
// CHECK:           arith.muli %[[N]], %{{.*}}
// CHECK:           tile.load %{{.*}}[%[[B]],
tile.kernel @grouped(%x: !tile.global<4x?x512xf32, [tokens]>) attributes {warps = 4} {
  %tokens = tile.size %x, 1 : !tile.global<4x?x512xf32, [tokens]>
  %c512 = arith.constant 512 : index
  %c4 = arith.constant 4 : index
  tile.for_tiles (%m, %n, %b) in (%tokens, %c512, %c4) step (64, 128, 1) raster(persistent, group_m = 8) {
    %f = tile.load %x[%b, %m, %n] : !tile.global<4x?x512xf32, [tokens]> to !tile.fragment<64x128xf32>
    tile.store %f to %x[%b, %m, %n] : !tile.fragment<64x128xf32>, !tile.global<4x?x512xf32, [tokens]>
  }
}
