// RUN: tilewright-opt %s -lower-math-to-nvvm | FileCheck %s

// CHECK-LABEL: func @special_function_unit
// CHECK-SAME:    %[[X:.*]]: f32
func.func @special_function_unit(%x: f32) -> (f32, f32, f32, f32, f32) {
  // CHECK-DAG: %[[LOG2E:.*]] = arith.constant 1.44269502 : f32
  // CHECK-DAG: %[[LN2:.*]] = arith.constant 0.693147182 : f32
  // CHECK:     llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%[[X]])
  %exp2 = math.exp2 %x : f32
  // CHECK:     %[[SCALED:.*]] = arith.mulf %[[X]], %[[LOG2E]]
  // CHECK:     llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%[[SCALED]])
  %exp = math.exp %x : f32
  // CHECK:     llvm.call_intrinsic "llvm.nvvm.lg2.approx.ftz.f"(%[[X]])
  %log2 = math.log2 %x : f32
  // CHECK:     %[[LOG:.*]] = llvm.call_intrinsic "llvm.nvvm.lg2.approx.ftz.f"(%[[X]])
  // CHECK:     arith.mulf %[[LOG]], %[[LN2]]
  %log = math.log %x : f32
  // CHECK:     llvm.call_intrinsic "llvm.nvvm.rsqrt.approx.ftz.f"(%[[X]])
  %rsqrt = math.rsqrt %x : f32
  return %exp2, %exp, %log2, %log, %rsqrt : f32, f32, f32, f32, f32
}

// CHECK-LABEL: func @polynomials
// CHECK-NOT:     math.{{tanh|erf}}
func.func @polynomials(%x: f32) -> (f32, f32) {
  %tanh = math.tanh %x : f32
  %erf = math.erf %x : f32
  return %tanh, %erf : f32, f32
}

// CHECK-LABEL: func @rounded_division
// CHECK-NOT:     arith.{{ceildivui|floordivsi}}
// CHECK:         arith.divui
// CHECK:         return
func.func @rounded_division(%a: index, %b: index) -> (index, index) {
  %up = arith.ceildivui %a, %b : index
  %down = arith.floordivsi %a, %b : index
  return %up, %down : index, index
}
