//===- XfOps.td - All ops of the transformer dialect -------*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_XF_XFOPS_TD
#define TILEWRIGHT_IR_XF_XFOPS_TD

include "ir/xf/XfWeightOps.td"
include "ir/xf/XfShapeOps.td"
include "ir/xf/XfMathOps.td"
include "ir/xf/XfAttentionOps.td"
include "ir/xf/XfSamplingOps.td"
include "ir/xf/XfKernelOps.td"

#endif // TILEWRIGHT_IR_XF_XFOPS_TD
