//===- Passes.td - Compiler passes, in pipeline order ------*- tablegen -*-===//
// Order rule: a pass may rely on what the passes above it have done, and on
// nothing below. `passes/Pipelines.cpp` calls them in this order.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_PASSES_PASSES_TD
#define TILEWRIGHT_PASSES_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// xf: algebra and fusion on the model's graph
//===----------------------------------------------------------------------===//

def HoistWeights : Pass<"xf-hoist-weights", "::mlir::func::FuncOp"> {
  let summary = "Move everything computed from weights alone to the top";
  let description = [{
    Weight expressions run once, at load. At the top of the function they
    dominate every use, so that later passes can merge them freely. Bit-exact.

    ```mlir
    %y = xf.matmul %x, %w0 : ...
    %w1 = xf.weight "b" from bf16 : tensor<64x64xbf16>
    ==>
    %w1 = xf.weight "b" from bf16 : tensor<64x64xbf16>
    %y = xf.matmul %x, %w0 : ...
    ```
  }];
}

def GatherRowsEarly : Pass<"xf-gather-rows-early", "::mlir::func::FuncOp"> {
  let summary = "Choose rows before computing on them";
  let description = [{
    A row-wise op commutes with a choice of rows, and a choice comes cheaper
    first: only the rows of which logits are wanted need the last norm.
    Bit-exact. Declines when the op's result has another user.

    ```mlir
    %n = xf.rms_norm %x, %w, epsilon = 1.0e-5 : ...
    %y = xf.gather_rows %n, %rows : ...
    ==>
    %r = xf.gather_rows %x, %rows : ...
    %y = xf.rms_norm %r, %w, epsilon = 1.0e-5 : ...
    ```
  }];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

def PairRopeColumns : Pass<"xf-pair-rope-columns", "::mlir::func::FuncOp"> {
  let summary = "Bring the two halves of a rotated pair next to each other";
  let description = [{
    A fragment of the tensor cores gives a thread columns that lie `distance`
    apart. The rows of the weight are regrouped so that the partners of a
    rotation meet in one thread, and the rotated columns are put back where the
    rest of the model expects them. Bit-exact.

    ```mlir
    %y = xf.matmul %x, %w : ...
    %h = xf.reshape %y : tensor<?x576xbf16, ...> to tensor<?x9x64xbf16, ...>
    %q = xf.rope %h, %table, %positions pair_distance = 32 : ...
    ==>
    %g = xf.regroup_rows %w period = 64 extent = 64 from = 32 to = 8 : ...
    %y = xf.matmul %x, %g : ...
    %h = xf.reshape %y : ...
    %r = xf.rope %h, %table, %positions pair_distance = 8 : ...
    %q = xf.regroup_columns %r period = 64 extent = 64 from = 8 to = 32 : ...
    ```

    Between the two there may be a bias, a norm over the head, casts and
    reshapes, each with this one user. Declines otherwise, and where the
    distance does not divide the pairs.
  }];
  let options = [Option<"distance", "distance", "int64_t", "8",
                        "Columns between the partners in a fragment">];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

def MergeMatmuls : Pass<"xf-merge-matmuls", "::mlir::func::FuncOp"> {
  let summary = "Make one matmul of several that read the same input";
  let description = [{
    Query, key and value, or gate and up, become one product and a split. Each
    result element is the same sum as before: bit-exact.

    ```mlir
    %q = xf.matmul %x, %wq : ...
    %k = xf.matmul %x, %wk : ...
    ==>
    %w = xf.concat %wq, %wk dim 0 : ...
    %y = xf.matmul %x, %w : ...
    %q, %k = xf.split %y dim 1 : ...
    ```

    Declines where the weights are not weight expressions or the result types
    differ.
  }];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

def FormGatedActivations : Pass<"xf-form-gated-activations", "::mlir::func::FuncOp"> {
  let summary = "Join an activation and the product with its gate's partner";
  let description = [{
    ```mlir
    %g, %u = xf.split %y dim 1 : ...
    %a = xf.activation silu %g : ...
    %z = xf.mul %a, %u : ...
    ==>
    %z = xf.gated_activation silu %y pair_distance = 1536 : ...
    ```

    Drops the rounding between the two, so a result moves by at most one unit in
    the last place of its type.
  }];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

def PairGateColumns : Pass<"xf-pair-gate-columns", "::mlir::func::FuncOp"> {
  let summary = "Bring gate and up next to each other";
  let description = [{
    The weight's rows are regrouped so that gate and up meet in one thread of
    the matmul that makes them. Bit-exact.

    ```mlir
    %y = xf.matmul %x, %w : ...
    %z = xf.gated_activation silu %y pair_distance = 1536 : ...
    ==>
    %r = xf.regroup_rows %w period = 3072 extent = 3072 from = 1536 to = 8 : ...
    %y = xf.matmul %x, %r : ...
    %z = xf.gated_activation silu %y pair_distance = 8 : ...
    ```
  }];
  let options = [Option<"distance", "distance", "int64_t", "8",
                        "Columns between the partners in a fragment">];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

def FoldNorms : Pass<"xf-fold-norms", "::mlir::func::FuncOp"> {
  let summary = "Apply an RMS norm as a scale of the matmul that follows";
  let description = [{
    The norm's weight goes into the matmul's weight, and its factor per row
    comes out as a scale of the result. What remains of the norm is a sum of
    squares, which the kernel that makes the input leaves behind: the norm costs
    no launch.

    ```mlir
    %n = xf.rms_norm %x, %g, epsilon = 1.0e-5 : ...
    %y = xf.matmul %n, %w : ... -> tensor<?x960xbf16, ...>
    ==>
    %s = xf.scale_columns %w, %g : ...
    %p = xf.sum_squares %x chunk = 64 : ...
    %r = xf.rstd %p count = 576 epsilon = 1.0e-5 : ...
    %a = xf.matmul %x, %s : ... -> tensor<?x960xf32, ...>
    %b = xf.scale_rows %a, %r : ...
    %y = xf.cast %b : ...
    ```

    In exchange for the rounding of the normalized row, each weight is rounded
    once more: with u the unit roundoff of the type, a result moves by at most
    2 u * sum |x| |w|. Declines where the norm has a user that is not such a
    matmul, where the weight is shared (tied embeddings would be stored twice),
    and where the norm's rows are gathered just before.
  }];
  let options = [Option<"chunk", "chunk", "int64_t", "64",
                        "Columns of one partial sum of squares">];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

def FormKernels : Pass<"xf-form-kernels", "::mlir::func::FuncOp"> {
  let summary = "Divide the graph into regions, one kernel each";
  let description = [{
    Every op that needs a kernel of its own (matmul, attention, a choice of rows,
    a whole-row op, sampling) starts a region. A region takes in an op that uses
    its values as long as (1) the family can do the op on what it holds, (2) all
    other operands exist before the region starts, and (3) no path leads out of
    the region and back in. Cheap functions of a row's partial sums are copied
    into each region that reads them. Whatever is left over forms elementwise
    kernels. Each op turned away gets a remark with the reason (`-debug-only` is
    not needed: `mlir-print-remarks`, or the pass option `remarks`). Bit-exact.

    ```mlir
    %y = xf.matmul %x, %w : ...
    %z = xf.add %y, %residual : ...
    ==>
    %z = xf.kernel gemm (...) -> (...) {
      %y = xf.matmul ...
      %z = xf.add ...
      xf.yield %z : ...
    }
    ```
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
                        "Say at each op why it was not taken into a region">];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

def PlanMemory : Pass<"xf-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "Give every activation a place in one arena";
  let description = [{
    Results of kernels that are not outputs or in-place live from their kernel
    to their last user. Each gets the lowest offset at which it overlaps nothing
    alive, largest first, for the largest sizes that the symbols can take. The
    offsets go on the kernels as `offsets` (bytes, -1: not in the arena), and the
    peak on the function as `xf.activation_bytes`. Values are unchanged.
  }];
  let options = [
    Option<"maxTokens", "max-tokens", "int64_t", "0", "Largest number of tokens">,
    Option<"maxRows", "max-rows", "int64_t", "0", "Largest number of rows of logits">,
    Option<"maxSeqs", "max-seqs", "int64_t", "0", "Largest number of sequences">,
    Option<"alignment", "alignment", "int64_t", "256", "Of every offset, in bytes">
  ];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

//===----------------------------------------------------------------------===//
// tile: what an author leaves implicit, made explicit
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// lower: from one dialect to the next
//===----------------------------------------------------------------------===//

#endif // TILEWRIGHT_PASSES_PASSES_TD
