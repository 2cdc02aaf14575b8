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
    rest of the model expects them. Bit-exact, but for the order in which a norm
    over the head on the way adds up its squares.

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
    Query, key and value, or gate and up, become one product and a split. Where
    each of them has a bias, the biases become one, added before the split. Each
    result element is the same sum as before: bit-exact.

    ```mlir
    %q = xf.matmul %x, %wq : ...
    %k = xf.matmul %x, %wk : ...
    ==>
    %w = xf.concat %wq, %wk dim 0 : ...
    %y = xf.matmul %x, %w : ...
    %q, %k = xf.split %y dim 1 : ...
    ```

    Declines where a weight is not a weight expression or has another user, and
    where the result types differ.
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
    the matmul that makes them; so is a bias between the two. Bit-exact.

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
    its values as long as (1) the family can do the op on what it holds, where it
    holds it (operands in the same columns of a GEMM's tile), (2) all
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

def MakePlans : Pass<"xf-make-plans", "::mlir::ModuleOp"> {
  let summary = "One function for each entry point and range of tokens";
  let description = [{
    Which config is best depends on the number of tokens, so a step of few takes
    other kernels than a step of many. `@forward` becomes one function per plan,
    with its entry point in `xf.entry` and the largest sizes of its symbols in
    `xf.bounds`.

    ```mlir
    func.func @forward(...) { ... }
    ==>
    func.func @decode_8(...) attributes {xf.entry = "decode",
        xf.bounds = {tokens = 8, seqs = 8, rows = 8, context = 2048}} { ... }
    func.func @prefill_2048(...) ...
    ```
  }];
  let options = [
    Option<"maxTokens", "max-tokens", "int64_t", "2048", "Most tokens of a step">,
    Option<"maxSeqs", "max-seqs", "int64_t", "64", "Most sequences of a step">,
    Option<"maxRows", "max-rows", "int64_t", "64", "Most rows of logits of a step">,
    Option<"maxContext", "max-context", "int64_t", "2048", "Longest sequence">
  ];
}

def TuneKernels : Pass<"xf-tune-kernels", "::mlir::func::FuncOp"> {
  let summary = "Ask autotune for the config of every kernel";
  let description = [{
    Reads the shape of each `xf.kernel` off its region and the function's
    `xf.bounds`, and writes the config that autotune chooses for the SKU as
    `config`, with its `reason`.

    ```mlir
    %y = xf.kernel gemm (...) -> ... { ... }
    ==>
    %y = xf.kernel gemm (...) -> ... attributes {
        config = {BLOCK_M = 8, BLOCK_N = 64, ...}, reason = "..."} { ... }
    ```

    With `batch-invariant`, only configs that add in the same order in every
    plan: no splits, no swapped operands where the epilogue reduces, blocks of
    keys of one size. A sequence's results then do not depend on which plan a
    step takes.

    Fails where no candidate is legal, with the reason for each.
  }];
  let options = [
    Option<"batchInvariant", "batch-invariant", "bool", "false", "Configs that give the same bits in every plan">,
    Option<"skuName", "sku", "std::string", "\"\"", "Name of a SKU, or path of its file">,
    Option<"skuDirectory", "sku-directory", "std::string", "\"autotune/skus\"", "Where named SKUs are">
  ];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

def SplitAttention : Pass<"xf-split-attention", "::mlir::func::FuncOp"> {
  let summary = "Two kernels of each attention whose keys are divided";
  let description = [{
    Where the tuner chose `num_splits > 1`, the kernel becomes one that makes
    the parts and one that combines them, each with its config.

    ```mlir
    %o = xf.kernel attention (...) -> ... config {BLOCK_N = 64, num_splits = 4, ...} {
      %a = xf.attention ...
    }
    ==>
    %p, %lse = xf.kernel attention (...) -> (...) config {BLOCK_N = 64, num_splits = 4, ...} {
      %a, %b = xf.attention_partial ... splits = 4 block = 64 ...
    }
    %o = xf.kernel attention (%p, %lse) -> ... config {ROWS = 4, warps = 4} {
      %a = xf.attention_combine ...
    }
    ```

    Weights are rounded against the maximum of their part, not that of all keys:
    with u the unit roundoff of the type, a result moves by at most
    3 u * max |value|. Fails where the kernel computes something before its
    attention.
  }];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

def PlanMemory : Pass<"xf-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "Give every activation a place in one arena";
  let description = [{
    Results of kernels that are not outputs or in-place live from their kernel
    to their last user. Each gets the lowest offset at which it overlaps nothing
    alive, largest first, for the sizes in the function's `xf.bounds`. The
    offsets go on the kernels as `xf.offsets` (bytes, -1: not in the arena), and the
    peak on the function as `xf.activation_bytes`. Values are unchanged.
  }];
  let options = [Option<"alignment", "alignment", "int64_t", "256", "Of every offset, in bytes">];
  let dependentDialects = ["::tilewright::xf::XfDialect"];
}

//===----------------------------------------------------------------------===//
// tile: what an author leaves implicit, made explicit
//===----------------------------------------------------------------------===//

class TilePass<string argument> : Pass<argument, "::tilewright::tile::KernelOp"> {
  let dependentDialects = [
    "::tilewright::tile::TileDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"
  ];
}

def ExpandTileLoops : TilePass<"tile-expand-tile-loops"> {
  let summary = "Turn loops over tiles into loops over their number";
  let description = [{
    Tiles are numbered in the order of the raster, one number per cluster; a
    persistent loop takes every n-th of them, n being the clusters launched, any
    other takes the one with the cluster's own number.

    ```mlir
    tile.for_tiles (%m, %n) in (%M, %N) step (128, 256) raster(persistent) { ... }
    ==>
    scf.for %t = %cluster to %tiles step %clusters {
      %m = ... // (%t / %columns * cluster extent + own place) * 128
      %n = ... // %t mod %columns ...
    }
    ```
  }];
}

def AssignLayouts : TilePass<"tile-assign-layouts"> {
  let summary = "Give every fragment a layout";
  let description = [{
    Matrix products fix the layouts of their accumulators and register operands.
    From there, layouts spread to whatever an op ties together: operands and
    results of elementwise ops, values carried through control flow, a
    reduction and what it reduces. Fragments that no product reaches get a
    blocked layout, the largest first, with 16-byte accesses where the row allows.
    Where two layouts meet, `tile.convert` is inserted.

    ```mlir
    %d = tile.mma %a, %b, %acc : ..., !tile.fragment<64x128xf32>
    %s = tile.reduce add %d 1 : !tile.fragment<64x128xf32> to !tile.fragment<64x1xf32>
    ==>
    %d = tile.mma %a, %b, %acc : ..., !tile.fragment<64x128xf32, #accumulator>
    %s = tile.reduce add %d 1 : !tile.fragment<64x128xf32, #accumulator> to !tile.fragment<64x1xf32, #rows>
    ```

    Fails at a product whose shape its warps cannot share, and at a part or
    regrouping of a fragment that is not thread-local in its layout.
  }];
}

def ExpandRings : TilePass<"tile-expand-rings"> {
  let summary = "Turn rings into buffers, barriers, positions and phases";
  let description = [{
    Each ring becomes its buffers and two arrays of mbarriers: `full` (one arrival,
    and the bytes of the copies) and `empty` (one arrival of each consuming warp; of
    all CTAs that the producer's multicasts reach). Each role keeps its position and
    phase in variables. The first round of the producer does not block, since it
    waits for the phase before the first.

    ```mlir
    %s = tile.acquire %ring ; tile.copy %g[%i] to %s ; tile.commit %ring
    ==>
    tile.mbarrier_wait %empty[%stage] parity %inverted
    tile.mbarrier_expect %full[%stage] bytes 16384
    %s = tile.stage %buffers[%stage]
    tile.copy %g[%i] to %s barrier(%full[%stage])
    // stage and phase move on
    ```

    `release after` becomes a wait for the products and an arrival at the stage
    they no longer read; the rest is released behind the loop. Kernels with a
    cluster end in `tile.cluster_sync`, so that no CTA leaves while others may
    still reach its shared memory.

    Fails where a ring is misused: acquired and not committed, waited for in a
    loop and not released there, produced by two roles, or consumed by its
    producer; where the bytes of a stage are not known or exceed it; where a
    stage is released while a product may still read it; and where roles cannot
    get on: one waits for a stage while it holds all, gives back what it did not
    wait for, or rings wait for each other's first stage.
  }];
}

def InsertFences : TilePass<"tile-insert-fences"> {
  let summary = "Order products, copies and ordinary accesses; number the barriers";
  let description = [{
    Puts `mma_fence` before and `mma_commit` after every product, and an `mma_wait`
    where a result still in flight would be read. Shared memory that ordinary
    stores wrote gets `fence_async` and `sync` before a copy or product reads it;
    shared memory that a copy still reads gets `copy_wait`, a sync too, before it is
    written again, and before the role ends. Roles that synchronize get a named
    barrier, turns become named barriers.

    ```mlir
    tile.store_matrix %y to %s ; tile.copy_out %s to %c[%i, %j]
    ==>
    tile.store_matrix %y to %s
    tile.fence_async
    tile.sync
    tile.copy_out %s to %c[%i, %j]
    ```

    Fails if the kernel needs more named barriers than there are.
  }];
}

def PlanSharedMemory : TilePass<"tile-plan-shared-memory"> {
  let summary = "Give every buffer its place in shared memory";
  let description = [{
    Adds the scratch memory that reductions over warps and conversions need, one
    piece for each role, then assigns offsets, the most aligned first.

    ```mlir
    %s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>
    ==>
    %s = tile.alloc {offset = 0} : !tile.shared<64x64xbf16, swizzle = 128>
    ```

    Fails if the kernel needs more than a CTA has, with a note at every buffer.
  }];
}

def CollectParameters : TilePass<"tile-collect-parameters"> {
  let summary = "Decide what the kernel is passed at launch";
  let description = [{
    Leaves on the kernel, as the manifest has them: `params` (tensor maps, pointers,
    sizes, scalars), `block`, `launch_registers`, and on each role its `first_warp`. Each
    copy gets the box of one transfer and the number of its tensor map; copies
    with equal maps share one.

    ```mlir
    tile.copy %a[%m, %k] to %s barrier(...)
    ==>
    tile.copy %a[%m, %k] to %s barrier(...) {box = array<i64: 128, 64>, param = 0}
    ```
  }];
}

//===----------------------------------------------------------------------===//
// lower: from one dialect to the next
//===----------------------------------------------------------------------===//

def LowerXfToTile : Pass<"lower-xf-to-tile", "::mlir::ModuleOp"> {
  let summary = "Make a tile.kernel for each xf.kernel";
  let description = [{
    Each family builds its kernel from the region and its config; equal kernels
    share one. The `xf.kernel` stays as the launch, and names the kernel in
    `xf.kernel`. Family, config and reason go along on the `tile.kernel`.

    ```mlir
    %y = xf.kernel gemm (%x, %w) -> ... attributes {config = ...} { ... }
    ==>
    tile.kernel @gemm_960x576_decode_0(%x: !tile.global<?x576xbf16, [tokens]>, ...) ...
    %y = xf.kernel gemm (%x, %w) -> ... attributes {..., xf.kernel = @gemm_960x576_decode_0} { ... }
    ```

    Fails, at the op, on what its family cannot do.
  }];
  let dependentDialects = [
    "::tilewright::xf::XfDialect", "::tilewright::tile::TileDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect"
  ];
}

def LowerTileToNvvm : Pass<"lower-tile-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Make an LLVM function of each tile.kernel";
  let description = [{
    The function's arguments are the kernel's `params`. A fragment becomes its
    registers, one value per 32-bit word; ops become NVVM and LLVM ops per
    register, and inline PTX where NVVM lacks the instruction; roles become
    branches on the number of the warp, with `setmaxregister` where they have a
    budget. Control flow stays in scf.

    ```mlir
    tile.kernel @k(%x: !tile.global<64x64xf32>) attributes {params = [...], ...} {
      %f = tile.load %x[%c0, %c0] : !tile.global<64x64xf32> to !tile.fragment<64x64xf32, #blocked>
      ...
    ==>
    llvm.func @k(%x: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.reqntid = array<i32: 128, 1, 1>} {
      %f0 = llvm.load %p0 : !llvm.ptr<1> -> vector<4xi32>
      ...
    ```

    Fails where an earlier pass has not left what it needs (layouts, offsets, boxes,
    parameters), where an op asks for elements that its threads do not hold, and
    where the target has no instruction for a product.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def LowerMathToNvvm : Pass<"lower-math-to-nvvm"> {
  let summary = "Transcendental functions to the special-function unit";
  let description = [{
    `exp2`, `exp`, `log2`, `log` and `rsqrt` of f32 become the approximations of the
    special-function unit, with relative errors around 2^-22 and denormals flushed;
    `tanh` and `erf` polynomials. Integer division that rounds up or down becomes
    division that rounds to zero.

    ```mlir
    %y = math.exp %x : f32
    ==>
    %s = arith.mulf %x, %log2e : f32
    %y = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%s) : (f32) -> f32
    ```

    Fails on math ops that the machine has no instruction for.
  }];
  let dependentDialects = [
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"
  ];
}

#endif // TILEWRIGHT_PASSES_PASSES_TD
