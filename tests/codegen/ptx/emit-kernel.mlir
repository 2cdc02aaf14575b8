// RUN: tilewright-translate %s --require-clean | FileCheck %s
// RUN: tilewright-translate %s --ptx-version=86 --line-info | FileCheck %s --check-prefix=LINES

// What a kernel's attributes and parameters become.

// CHECK: .version 8.0
// CHECK: .target sm_90a
// LINES: .version 8.6

llvm.mlir.global external @shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>

// CHECK:       .extern .shared .align 1024 .b8 shared[];
// CHECK:       .visible .entry copy(
// CHECK-NEXT:    .param .align 64 .b8 copy_param_0[128],
// CHECK-NEXT:    .param .u64 .ptr .global
// CHECK-NEXT:    .param .u32 copy_param_2
// CHECK:       .reqntid 128, 1, 1
// CHECK-NEXT:  .explicitcluster
// CHECK-NEXT:  .reqnctapercluster 2, 1, 1
// CHECK:       mov.b32 %[[BASE:r[0-9]+]], shared
// CHECK:       cp.async.bulk.tensor.2d.global.shared::cta
llvm.func @copy(%map: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64, nvvm.grid_constant},
                %out: !llvm.ptr<1>, %row: i32)
    attributes {nvvm.kernel, nvvm.reqntid = array<i32: 128, 1, 1>, nvvm.cluster_dim = array<i32: 2, 1, 1>} {
  %shared = llvm.mlir.addressof @shared : !llvm.ptr<3>
  %column = llvm.mlir.constant(0 : i32) : i32
  %thread = nvvm.read.ptx.sreg.tid.x : i32
  %slot = llvm.getelementptr %shared[%thread] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
  llvm.store %row, %slot : i32, !llvm.ptr<3>
  // LINES: .loc 1 [[# @LINE + 1]]
  nvvm.barrier
  nvvm.cp.async.bulk.tensor.global.shared.cta %map, %shared, box[%column, %row] : !llvm.ptr, !llvm.ptr<3>
  // LINES: .file 1 "{{.*}}emit-kernel.mlir"
  llvm.return
}
