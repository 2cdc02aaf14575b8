// RUN: tilewright-opt %s -tile-expand-tile-loops -canonicalize -cse -split-input-file | FileCheck %s

// Without a group, the second dimension runs fastest.
// CHECK-LABEL: tile.kernel @persistent
// CHECK-SAME:    (%[[X:.*]]: !tile.global
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG:     %[[TOKENS:.*]] = tile.size %[[X]], 0
// CHECK-DAG:     %[[ID:.*]] = tile.program_id 0 : index
// CHECK:         %[[ROUNDED:.*]] = arith.addi %[[TOKENS]], %{{.*}}
// CHECK:         %[[ROWS:.*]] = arith.divui %[[ROUNDED]], %{{.*}}
// CHECK:         %[[TILES:.*]] = arith.muli %[[ROWS]], %[[C4]]
// CHECK:         %[[COUNT:.*]] = tile.num_programs 0 : index
// CHECK:         scf.for %[[T:.*]] = %[[ID]] to %[[TILES]] step %[[COUNT]] {
// CHECK:           %[[M:.*]] = arith.divui %[[T]], %[[C4]]
// CHECK:           %[[N:.*]] = arith.remui %[[T]], %[[C4]]
// CHECK:           %[[ROW:.*]] = arith.muli %[[M]], %{{.*}}
// CHECK:           %[[COLUMN:.*]] = arith.muli %[[N]], %{{.*}}
// CHECK:           tile.load %[[X]][%[[ROW]], %[[COLUMN]]]
tile.kernel @persistent(%x: !tile.global<?x512xf32, [tokens]>) attributes {warps = 4} {
  %tokens = tile.size %x, 0 : !tile.global<?x512xf32, [tokens]>
  %c512 = arith.constant 512 : index
  tile.for_tiles (%m, %n) in (%tokens, %c512) step (64, 128) raster(persistent) {
    %f = tile.load %x[%m, %n] : !tile.global<?x512xf32, [tokens]> to !tile.fragment<64x128xf32>
    tile.store %f to %x[%m, %n] : !tile.fragment<64x128xf32>, !tile.global<?x512xf32, [tokens]>
  }
}

// -----

// One tile per cluster; a cluster that has none does nothing.
// CHECK-LABEL: tile.kernel @one_tile
// CHECK:         %[[ID:.*]] = tile.program_id 0 : index
// CHECK:         %[[EXISTS:.*]] = arith.cmpi ult, %[[ID]], %{{.*}} : index
// CHECK:         scf.if %[[EXISTS]] {
// CHECK-NOT:     scf.for
tile.kernel @one_tile(%x: !tile.global<?x512xf32, [tokens]>) attributes {warps = 4} {
  %tokens = tile.size %x, 0 : !tile.global<?x512xf32, [tokens]>
  %c0 = arith.constant 0 : index
  tile.for_tiles (%m) in (%tokens) step (8) {
    %f = tile.load %x[%m, %c0] : !tile.global<?x512xf32, [tokens]> to !tile.fragment<8x512xf32>
    tile.store %f to %x[%m, %c0] : !tile.fragment<8x512xf32>, !tile.global<?x512xf32, [tokens]>
  }
}

// -----

// The CTAs of a cluster lie next to one another: rank modulo 2 along the first
// dimension, the rest along the second. The cluster's tile is 2 x 2 of ours.
// CHECK-LABEL: tile.kernel @cluster
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : index
// CHECK:         %[[CLUSTER:.*]] = arith.divui %{{.*}}, %[[C4]]
// CHECK:         scf.for %{{.*}} = %[[CLUSTER]]
// CHECK:           %[[RANK:.*]] = tile.cluster_rank : index
// CHECK:           %[[PAIR:.*]] = arith.muli %{{.*}}, %[[C2]]
// CHECK:           %[[X:.*]] = arith.remui %[[RANK]], %[[C2]]
// CHECK:           arith.addi %[[PAIR]], %[[X]]
// CHECK:           %[[REST:.*]] = arith.divui %[[RANK]], %[[C2]]
// CHECK:           %[[Y:.*]] = arith.remui %[[REST]], %[[C2]]
// CHECK:           arith.addi %{{.*}}, %[[Y]]
tile.kernel @cluster(%x: !tile.global<?x512xf32, [tokens]>) attributes {warps = 4, cluster = array<i64: 2, 2>} {
  %tokens = tile.size %x, 0 : !tile.global<?x512xf32, [tokens]>
  %c512 = arith.constant 512 : index
  tile.for_tiles (%m, %n) in (%tokens, %c512) step (64, 128) raster(persistent) {
    %f = tile.load %x[%m, %n] : !tile.global<?x512xf32, [tokens]> to !tile.fragment<64x128xf32>
    tile.store %f to %x[%m, %n] : !tile.fragment<64x128xf32>, !tile.global<?x512xf32, [tokens]>
  }
}

// -----

// The first tile goes to replica 0, the next to replica 1, and so on.
// CHECK-LABEL: tile.kernel @dealt
// CHECK:         tile.role @math {{.*}}(%[[REPLICA:.*]])
// CHECK:           %[[ID:.*]] = tile.program_id 0 : index
// CHECK:           %[[COUNT:.*]] = tile.num_programs 0 : index
// CHECK:           %[[SKIPPED:.*]] = arith.muli %[[REPLICA]], %[[COUNT]]
// CHECK:           %[[FIRST:.*]] = arith.addi %[[ID]], %[[SKIPPED]]
// CHECK:           %[[STRIDE:.*]] = arith.muli %[[COUNT]], %c2
// CHECK:           scf.for %{{.*}} = %[[FIRST]] to %{{.*}} step %[[STRIDE]] {
tile.kernel @dealt(%x: !tile.global<?x512xf32, [tokens]>) {
  %tokens = tile.size %x, 0 : !tile.global<?x512xf32, [tokens]>
  %c0 = arith.constant 0 : index
  tile.role @math warpgroups = 1 replicas = 2 (%replica) {
    tile.for_tiles (%m) in (%tokens) step (8) raster(persistent, dealt) {
      %f = tile.load %x[%m, %c0] : !tile.global<?x512xf32, [tokens]> to !tile.fragment<8x512xf32>
      tile.store %f to %x[%m, %c0] : !tile.fragment<8x512xf32>, !tile.global<?x512xf32, [tokens]>
    }
  }
}
