//===- TileStructureOps.td - Kernels, roles, tile loops ---*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_TILE_TILESTRUCTUREOPS_TD
#define TILEWRIGHT_IR_TILE_TILESTRUCTUREOPS_TD

def Tile_KernelOp : Tile_Op<"kernel", [
    Symbol, SymbolTable, IsolatedFromAbove, SingleBlock, NoTerminator]> {
  let summary = "One kernel";
  let description = [{
    The body is what all warps of a CTA run: straight code of `warps` warps, or a
    prologue, roles that run side by side on their own warps, and an epilogue
    for which all warps meet again.

    `cluster` is the logical shape of the cluster, one extent per dimension of
    the tile loops; the cluster is launched as `product` CTAs along x. `grid`
    holds the size expressions of the launch.

    Left by the passes: `block` (threads), `shared_bytes`, `launch_registers`
    (registers per thread that roles with budgets start from), `params` (see
    `tile-collect-parameters`).

    Constraints:
    - (C1) Arguments are global tensors or scalars (i32, i64, f32).
    - (C2) Either `warps` is given, or there is at least one role.
    - (C3) Roles come one after the other, with no op between them.
    - (C4) `grid` has one to three size expressions over symbols and `sms`.
    - (C5) The cluster has at most the CTAs the target allows.
    - (C6) The warps of all roles fit a CTA.
    - (C7) If one role has a register budget, all have, and the budgets of all
      warpgroups together fit the registers of an SM.

    Example:

    ```mlir
    tile.kernel @copy(%x: !tile.global<?x4096xbf16, [tokens]>) attributes {warps = 4, grid = ["tokens"]} {
      %i = tile.program_id 0
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       OptionalAttr<I64Attr>:$warps,
                       OptionalAttr<DenseI64ArrayAttr>:$cluster,
                       OptionalAttr<ArrayAttr>:$grid,
                       OptionalAttr<DenseI64ArrayAttr>:$block,
                       OptionalAttr<I64Attr>:$shared_bytes,
                       OptionalAttr<I64Attr>:$launch_registers,
                       OptionalAttr<ArrayAttr>:$params);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBodyBlock() { return &getBody().front(); }
    ::mlir::Block::BlockArgListType getArguments() { return getBody().getArguments(); }
    /// The roles, in order; empty for straight code.
    ::llvm::SmallVector<RoleOp, 4> getRoles();
    /// CTAs in the cluster; 1 without a cluster.
    int64_t getClusterSize();
    /// Extent of the cluster along a dimension; 1 beyond its rank.
    int64_t getClusterDim(unsigned dim);
    /// Warps of a CTA, with those that only complete a warpgroup.
    int64_t getTotalWarps();
    static ::llvm::StringRef getDefaultDialect() { return "tile"; }
  }];
}

def Tile_RoleOp : Tile_Op<"role", [
    HasParent<"KernelOp">, Symbol, SingleBlock, NoTerminator]> {
  let summary = "Warps of a CTA with a task of their own";
  let description = [{
    `warps` (or `warpgroups`, four warps each) warps run the region, side by side
    with the other roles. With `replicas = r` there are r copies on their own
    warps, told apart by the block argument. `registers` is the budget per
    thread. A role of fewer than four warps takes a whole warpgroup.

    `first_warp` and `barrier` (named barrier of the role's own `tile.sync`; of
    replica i: `barrier + i`) are left by the passes.

    Constraints:
    - (C1) `warps` is positive, and a multiple of 4 from 4 on.
    - (C2) `registers` is one of the budgets of the target: a multiple of 8
      from 24 on.
    - (C3) The region has one index argument if there are replicas, else none.

    Example:

    ```mlir
    tile.role @math warpgroups = 1 replicas = 2 (%replica) registers = 240 {
      ...
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$warps,
                       DefaultValuedAttr<I64Attr, "1">:$replicas,
                       OptionalAttr<I64Attr>:$registers,
                       OptionalAttr<I64Attr>:$first_warp,
                       OptionalAttr<I64Attr>:$barrier);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBodyBlock() { return &getBody().front(); }
    /// Warps that the role occupies: whole warpgroups, all replicas.
    int64_t getOccupiedWarps();
  }];
}

def Tile_ForTilesOp : Tile_Op<"for_tiles", [
    SingleBlock, NoTerminator]> {
  let summary = "The tiles of a CTA";
  let description = [{
    Runs the body for each tile of the iteration space that falls to this CTA;
    the block arguments are the offsets of the tile, in elements. Every role of
    a kernel sees the same sequence. CTAs of a cluster take neighbouring tiles:
    dimension d of the cluster spreads over dimension d of the loop, so that
    CTAs differing along d only agree in all other offsets.

    With `persistent`, the launched clusters share all tiles; without, there is
    one cluster per tile. `group_m = g` walks g tiles of the first dimension
    before it moves along the second, for reuse in L2. A third dimension is
    outermost. Tiles beyond the extents may be visited in a cluster: copies read
    zeros there, stores are clipped.

    With `dealt`, in a role with replicas, the CTA's tiles go to the replicas in
    turn, the first to replica 0; without, each replica sees all of them.

    Constraints:
    - (C1) One to three dimensions; as many steps, extents and block arguments.
    - (C2) Steps and `group_m` are positive.
    - (C3) The cluster has no extent above 1 in a dimension that the loop lacks.
    - (C4) Tiles are `dealt` by a `persistent` loop in a role with replicas.

    Example:

    ```mlir
    tile.for_tiles (%m, %n) in (%tokens, %c7168) step (128, 256) raster(persistent, group_m = 8) {
      ...
    }
    ```
  }];
  let arguments = (ins Variadic<Index>:$extents, DenseI64ArrayAttr:$steps,
                       UnitAttr:$persistent,
                       DefaultValuedAttr<I64Attr, "1">:$group_m,
                       UnitAttr:$dealt);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBodyBlock() { return &getBody().front(); }
  }];
}

class Tile_IdOp<string mnemonic, string what, string text, list<Trait> traits = []>
    : Tile_Op<mnemonic, traits> {
  let summary = what;
  let description = text # "\n\n    Example: `%i = tile." # mnemonic # " : index`.\n";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict `:` qualified(type($result))";
}

def Tile_ClusterRankOp : Tile_IdOp<"cluster_rank", "Rank of the CTA in its cluster",
  "The first dimension of the cluster is innermost. 0 without a cluster.", [Pure]>;
// Not Pure: in a role it has another value than outside, so it must stay there.
def Tile_ThreadIdOp : Tile_IdOp<"thread_id", "Number of the thread within its role",
  "Counts from 0 in every replica; within the CTA, outside of roles.">;

def Tile_ProgramIdOp : Tile_Op<"program_id", [Pure]> {
  let summary = "Number of the CTA along a dimension of the grid";
  let description = [{
    Example: `%i = tile.program_id 0 : index`.
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<2>]>:$dim);
  let results = (outs Index:$result);
  let assemblyFormat = "$dim attr-dict `:` qualified(type($result))";
}

def Tile_NumProgramsOp : Tile_Op<"num_programs", [Pure]> {
  let summary = "CTAs along a dimension of the grid";
  let description = [{
    Example: `%n = tile.num_programs 0 : index`.
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<2>]>:$dim);
  let results = (outs Index:$result);
  let assemblyFormat = "$dim attr-dict `:` qualified(type($result))";
}

def Tile_SizeOp : Tile_Op<"size", [Pure]> {
  let summary = "Size of a dimension of a global tensor";
  let description = [{
    Constraints:
    - (C1) The tensor has the dimension.

    Example: `%tokens = tile.size %x, 0 : !tile.global<?x64xf32, [tokens]>`.
  }];
  let arguments = (ins Tile_GlobalType:$source, I64Attr:$dim);
  let results = (outs Index:$result);
  let assemblyFormat = "$source `,` $dim attr-dict `:` qualified(type($source))";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // TILEWRIGHT_IR_TILE_TILESTRUCTUREOPS_TD
