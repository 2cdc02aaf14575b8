// RUN: tilewright-opt %s -xf-make-plans -split-input-file -verify-diagnostics
// RUN: not tilewright-opt %s -xf-make-plans="max-seqs=0" 2>&1 | FileCheck %s

// CHECK: error: expects 'max-seqs' to be positive, but got 0

// expected-error @+1 {{has no function @forward}}
module {
  func.func @backward() {
    return
  }
}
