// RUN: tilewright-opt %s -lower-tile-to-nvvm -canonicalize -cse | FileCheck %s
// RUN: tilewright-translate %s --require-clean | FileCheck %s --check-prefix=PTX

// Roles become branches on the number of the warp, with their register budgets;
// parameters, ids and variables become what they are in PTX.

// PTX: .visible .entry roles(
// PTX: .reqntid 384, 1, 1
// PTX: .maxnreg 168
// PTX-DAG: setmaxnreg.dec.sync.aligned.u32 {{.*}}40;
// PTX-DAG: setmaxnreg.inc.sync.aligned.u32 {{.*}}232;

// CHECK-LABEL: llvm.func @roles(
// CHECK-SAME:    %[[OUT:.*]]: !llvm.ptr<1>, %[[TOKENS:.*]]: i32, %[[SCALE:.*]]: f32)
// CHECK-SAME:    nvvm.kernel, nvvm.maxnreg = 168 : i32, nvvm.reqntid = array<i32: 384, 1, 1>
tile.kernel @roles(%out: !tile.global<?xf32, [tokens]>, %scale: f32)
    attributes {block = array<i64: 384, 1, 1>, launch_registers = 168 : i64,
                params = [{kind = "pointer", arg = 0}, {kind = "size", value = "tokens"}, {kind = "scalar", arg = 1}]} {
  // CHECK:     %[[THREAD:.*]] = nvvm.read.ptx.sreg.tid.x
  // CHECK:     %[[DIV:.*]] = arith.divui %[[THREAD]]
  // CHECK:     %[[WARP:.*]] = nvvm.shfl.sync  idx %{{.*}}, %[[DIV]]
  %c0 = arith.constant 0 : index
  %start = arith.constant 3 : i32

  // One warp works; the other three of its warpgroup only give registers.
  // CHECK:     %[[IS_LOAD:.*]] = arith.cmpi ult, %[[WARP]], %c4_i32
  // CHECK:     scf.if %[[IS_LOAD]] {
  // CHECK-NEXT:  nvvm.setmaxregister decrease 40
  // CHECK:       %[[WORKS:.*]] = arith.cmpi {{.*}} %[[WARP]]
  // CHECK:       scf.if %[[WORKS]]
  tile.role @load warps = 1 registers = 40 attributes {first_warp = 0 : i64} {
    // CHECK:       llvm.store %c3_i32, %[[SLOT:.*]] : i32, !llvm.ptr
    // CHECK:       %[[VALUE:.*]] = llvm.load %[[SLOT]]
    // CHECK:       llvm.store %{{.*}}, %[[SLOT]]
    %variable = tile.variable %start : !tile.variable
    %value = tile.get %variable : !tile.variable
    %next = arith.addi %value, %value : i32
    tile.set %variable, %next : !tile.variable
    tile.store_scalar %scale to %out[%c0] : f32, !tile.global<?xf32, [tokens]>
  }
  // Two replicas on a warpgroup each: the second starts at warp 8.
  // CHECK:     } else {
  // CHECK-NEXT:  nvvm.setmaxregister increase 232
  // CHECK:       %[[IN_ROLE:.*]] = arith.subi %[[WARP]], %c4_i32
  // CHECK:       %[[REPLICA:.*]] = arith.divui %[[IN_ROLE]], %c4_i32
  tile.role @math warpgroups = 1 replicas = 2 (%replica) registers = 232 attributes {first_warp = 4 : i64, barrier = 1 : i64} {
    %tokens = tile.size %out, 0 : !tile.global<?xf32, [tokens]>
    %sum = arith.addi %replica, %tokens : index
    // Named barrier 1 or 2, of the replica's 128 threads.
    // CHECK:       %[[BARRIER:.*]] = arith.addi %[[REPLICA]], %c1_i32
    // CHECK:       nvvm.barrier id = %[[BARRIER]] number_of_threads = %c128_i32
    tile.sync
    // CHECK:       arith.cmpi ult, %{{.*}}, %[[TOKENS]]
    tile.store_scalar %scale to %out[%sum] : f32, !tile.global<?xf32, [tokens]>
  }
}
