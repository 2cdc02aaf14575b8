// RUN: not tilewright-translate %s --chip=sm_1 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not tilewright-translate %s --opt-level=7 2>&1 | FileCheck %s --check-prefix=LEVEL
// RUN: not tilewright-translate %s --require-clean --ptxas=/does/not/exist 2>&1 | FileCheck %s --check-prefix=PTXAS

// CHIP: error: unknown target 'sm_1'
// LEVEL: error: optimization level must be 0 to 3, but got 7
// PTXAS: error: '/does/not/exist' is not an executable ptxas
llvm.func @nothing() attributes {nvvm.kernel} {
  llvm.return
}
