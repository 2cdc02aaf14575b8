//===- CheckDialect.td - Self-checking tests ---------------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_REFERENCE_CHECK_CHECKDIALECT_TD
#define TILEWRIGHT_IR_REFERENCE_CHECK_CHECKDIALECT_TD

include "mlir/IR/DialectBase.td"

def Check_Dialect : Dialect {
  let name = "xf_check";
  let cppNamespace = "::tilewright::check";
  let summary = "Expectations about values, for tests that check themselves";
  let description = [{
    A test has its inputs, its op and the expected values in one function,
    which `tilewright-opt -xf-interpret` runs. No model and no pass makes these
    ops.
  }];
}

#endif // TILEWRIGHT_IR_REFERENCE_CHECK_CHECKDIALECT_TD
