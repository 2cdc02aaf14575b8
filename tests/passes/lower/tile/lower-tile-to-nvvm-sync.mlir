// RUN: tilewright-opt %s -lower-tile-to-nvvm -canonicalize -cse | FileCheck %s
// RUN: tilewright-translate %s --require-clean | FileCheck %s --check-prefix=PTX

// CHECK-LABEL: llvm.func @barriers
// CHECK:         %[[ELECTED:.*]] = nvvm.elect.sync -> i1
// CHECK:         %[[LEADER:.*]] = arith.andi %{{.*}}, %[[ELECTED]]

// PTX-LABEL: .entry barriers(
tile.kernel @barriers(%n: i32)
    attributes {warps = 8 : i64, cluster = array<i64: 2>, block = array<i64: 256, 1, 1>, shared_bytes = 64 : i64, params = [{kind = "scalar", arg = 0}]} {
  %c1 = arith.constant 1 : i32
  %full = tile.alloc {offset = 0 : i64} : !tile.barriers<2>

  // Every barrier of the array, by one thread.
  // CHECK:         scf.if %[[LEADER]] {
  // CHECK-COUNT-2:   mbarrier.init.shared::cta.b64
  // CHECK:         }
  tile.mbarrier_init %full count 3 : !tile.barriers<2>
  // CHECK:         fence.mbarrier_init.release.cluster
  tile.mbarrier_fence_init
  // CHECK:         nvvm.cluster.arrive {aligned}
  // CHECK-NEXT:    nvvm.cluster.wait {aligned}
  tile.cluster_sync

  // CHECK:         mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;
  tile.mbarrier_expect %full[%c1] bytes 4096 : !tile.barriers<2>
  // CHECK:         mbarrier.arrive.shared::cta.b64 _, [$0];
  tile.mbarrier_expect %full[%c1] bytes 0 : !tile.barriers<2>

  // One thread of each warp arrives, once the warp is together.
  // CHECK:         nvvm.bar.warp.sync
  // CHECK:         scf.if %[[ELECTED]] {
  // CHECK:           mbarrier.arrive.shared::cta.b64
  tile.mbarrier_arrive %full[%c1] : !tile.barriers<2>
  // With ranks, lane r arrives at the CTA of rank r.
  // CHECK:         %[[BIT:.*]] = arith.shrui %arg0, %{{.*}}
  // CHECK:         %[[TO_RANK:.*]] = arith.trunci %[[BIT]] : i32 to i1
  // CHECK:         scf.if %[[TO_RANK]] {
  // CHECK:           mapa.shared::cluster.u32 remote, $0, $1; mbarrier.arrive.shared::cluster.b64 _, [remote];
  tile.mbarrier_arrive %full[%c1] ranks(%n) : !tile.barriers<2>

  // CHECK:         scf.while
  // CHECK:           mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64
  // PTX:           mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, {{.*}} selp.b32 %[[DONE:r[0-9]+]], 1, 0, done
  // PTX:           setp.eq.b32 %[[AGAIN:p[0-9]+]], %[[DONE]], 0
  // PTX:           @%[[AGAIN]] bra
  tile.mbarrier_wait %full[%c1] parity %n {cluster} : !tile.barriers<2>

  // CHECK:         fence.proxy.async.shared::cta
  tile.fence_async
  // CHECK:         nvvm.barrier id = %{{.*}} number_of_threads = %c256_i32
  tile.sync
  // CHECK:         nvvm.barrier id = %arg0 number_of_threads = %c128_i32
  tile.named_barrier %n threads 128
  // CHECK:         %[[IS_ONE:.*]] = arith.cmpi eq, %arg0, %c1_i32
  // CHECK:         scf.if %[[IS_ONE]] {
  // CHECK:           nvvm.barrier.arrive id = %arg0 number_of_threads = %c128_i32
  %is_one = arith.cmpi eq, %n, %c1 : i32
  tile.named_barrier %n threads 128 arrive if(%is_one)
}
