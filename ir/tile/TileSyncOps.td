//===- TileSyncOps.td - Synchronization -------------------*- tablegen -*-===//
// First what authors write, then what the passes expand rings and products to.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_TILE_TILESYNCOPS_TD
#define TILEWRIGHT_IR_TILE_TILESYNCOPS_TD

def Tile_SyncOp : Tile_Op<"sync"> {
  let summary = "Barrier of the warps of the enclosing role, or of the CTA";
  let description = [{
    In a role, one replica's warps: named barrier `barrier` of the role, or a
    warp barrier if there is one warp. Outside, barrier 0.

    Example: `tile.sync`.
  }];
  let assemblyFormat = "attr-dict";
}

def Tile_ClusterSyncOp : Tile_Op<"cluster_sync"> {
  let summary = "Barrier of all threads of the cluster";
  let description = [{
    Constraints:
    - (C1) Stands outside of roles.

    Example: `tile.cluster_sync`.
  }];
  let assemblyFormat = "attr-dict";
  let hasVerifier = 1;
}

def Tile_OrderOp : Tile_Op<"order", [HasParent<"KernelOp">, MemoryEffects<[MemAlloc]>]> {
  let summary = "An order in which the replicas of a role take turns";
  let description = [{
    Replica 0 is first. Stands in the body of the kernel.

    Example: `%order = tile.order : !tile.order`.
  }];
  let results = (outs Tile_OrderType:$result);
  let assemblyFormat = "attr-dict `:` qualified(type($result))";
}

def Tile_TurnOp : Tile_Op<"turn"> {
  let summary = "Wait for one's turn, or pass it to the next replica";
  let description = [{
    Each replica waits and passes in alternation, starting with a wait, and the
    same number of times.

    Constraints:
    - (C1) Stands in a role with replicas.

    Example: `tile.turn wait %order : !tile.order`.
  }];
  let arguments = (ins Tile_TurnKind:$kind, Tile_OrderType:$order);
  let assemblyFormat = "$kind $order attr-dict `:` qualified(type($order))";
  let hasVerifier = 1;
}

def Tile_FenceAsyncOp : Tile_Op<"fence_async"> {
  let summary = "Make ordinary writes to shared memory visible to copies and products";
  let description = [{
    `fence.proxy.async` for the thread's own writes; a `tile.sync` between the
    fence and the reader makes it hold for all.

    Example: `tile.fence_async`.
  }];
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Expanded level
//===----------------------------------------------------------------------===//

def Tile_VariableOp : Tile_Op<"variable", [MemoryEffects<[MemAlloc]>]> {
  let summary = "Expanded: an i32 in registers of every thread";
  let description = [{
    Stands at the top of a role, and starts with `init`.

    Example: `%stage = tile.variable %c0 : !tile.variable`.
  }];
  let arguments = (ins I32:$init);
  let results = (outs Tile_VariableType:$result);
  let assemblyFormat = "$init attr-dict `:` qualified(type($result))";
}

def Tile_GetOp : Tile_Op<"get"> {
  let summary = "Expanded: value of a variable";
  let description = "Example: `%i = tile.get %stage : !tile.variable`.";
  let arguments = (ins Tile_VariableType:$variable);
  let results = (outs I32:$result);
  let assemblyFormat = "$variable attr-dict `:` qualified(type($variable))";
}

def Tile_SetOp : Tile_Op<"set"> {
  let summary = "Expanded: new value of a variable";
  let description = "Example: `tile.set %stage, %next : !tile.variable`.";
  let arguments = (ins Tile_VariableType:$variable, I32:$value);
  let assemblyFormat = "$variable `,` $value attr-dict `:` qualified(type($variable))";
}

def Tile_MbarrierInitOp : Tile_Op<"mbarrier_init"> {
  let summary = "Expanded: initialize every barrier of an array";
  let description = [{
    By one thread of the CTA, in the prologue.

    Constraints:
    - (C1) `count` is positive.

    Example: `tile.mbarrier_init %full count 1 : !tile.barriers<4>`.
  }];
  let arguments = (ins Tile_BarriersType:$barrier, I64Attr:$count);
  let assemblyFormat = "$barrier `count` $count attr-dict `:` qualified(type($barrier))";
  let hasVerifier = 1;
}

def Tile_MbarrierFenceInitOp : Tile_Op<"mbarrier_fence_init"> {
  let summary = "Expanded: make initialized barriers visible to the cluster and to copies";
  let description = [{
    By the thread that initialized them; a `tile.sync` or `tile.cluster_sync` follows.

    Example: `tile.mbarrier_fence_init`.
  }];
  let assemblyFormat = "attr-dict";
}

def Tile_MbarrierExpectOp : Tile_Op<"mbarrier_expect"> {
  let summary = "Expanded: arrive, and expect bytes of copies";
  let description = [{
    `mbarrier.arrive.expect_tx` by one thread of the role; a plain arrival if
    `bytes` is 0.

    Constraints:
    - (C1) `bytes` is not negative and fits the transaction count.

    Example: `tile.mbarrier_expect %full[%stage] bytes 49152 : !tile.barriers<4>`.
  }];
  let arguments = (ins Tile_BarriersType:$barrier, I32:$slot, I64Attr:$bytes);
  let assemblyFormat = "$barrier `[` $slot `]` `bytes` $bytes attr-dict `:` qualified(type($barrier))";
  let hasVerifier = 1;
}

def Tile_MbarrierArriveOp : Tile_Op<"mbarrier_arrive", [AttrSizedOperandSegments]> {
  let summary = "Expanded: arrive at a barrier, once for the role";
  let description = [{
    After a barrier of the role's warps' reads: one thread of every warp arrives
    (the count of the barrier is that of the warps that arrive). With `ranks`,
    at the barrier of each of these CTAs of the cluster: bit r of the mask is
    the CTA of rank r. With `if`, only where the condition holds, which is the
    same in all threads.

    Example: `tile.mbarrier_arrive %empty[%stage] ranks(%mask) if(%held) : !tile.barriers<4>`.
  }];
  let arguments = (ins Tile_BarriersType:$barrier, I32:$slot,
                       Optional<I32>:$ranks, Optional<I1>:$condition);
  let assemblyFormat = [{
    $barrier `[` $slot `]` (`ranks` `(` $ranks^ `)`)? (`if` `(` $condition^ `)`)? attr-dict `:` qualified(type($barrier))
  }];
}

def Tile_MbarrierWaitOp : Tile_Op<"mbarrier_wait"> {
  let summary = "Expanded: wait until the phase of a parity is complete";
  let description = [{
    All threads of the role. With `cluster`, acquires at cluster scope.

    Example: `tile.mbarrier_wait %full[%stage] parity %phase : !tile.barriers<4>`.
  }];
  let arguments = (ins Tile_BarriersType:$barrier, I32:$slot, I32:$parity, UnitAttr:$cluster);
  let assemblyFormat = "$barrier `[` $slot `]` `parity` $parity attr-dict `:` qualified(type($barrier))";
}

def Tile_MmaFenceOp : Tile_Op<"mma_fence"> {
  let summary = "Expanded: order register accesses before products";
  let description = [{
    `wgmma.fence`. Example: `tile.mma_fence`.
  }];
  let assemblyFormat = "attr-dict";
}

def Tile_MmaCommitOp : Tile_Op<"mma_commit"> {
  let summary = "Expanded: products issued since the last commit become one group";
  let description = [{
    `wgmma.commit_group`. Example: `tile.mma_commit`.
  }];
  let assemblyFormat = "attr-dict";
}

def Tile_NamedBarrierOp : Tile_Op<"named_barrier"> {
  let summary = "Expanded: barrier among some threads of the CTA";
  let description = [{
    `barrier.sync`, or `barrier.arrive` with `arrive`, by all threads of the
    replica; `threads` counts those of both sides. With `if`, only where the
    condition holds, which is the same in all threads of a warp.

    Constraints:
    - (C1) `threads` is a positive multiple of a warp.

    Example: `tile.named_barrier %id threads 256 arrive`.
  }];
  let arguments = (ins I32:$id, Optional<I1>:$condition, I64Attr:$threads, UnitAttr:$arrive);
  let assemblyFormat = "$id `threads` $threads (`arrive` $arrive^)? (`if` `(` $condition^ `)`)? attr-dict";
  let hasVerifier = 1;
}

#endif // TILEWRIGHT_IR_TILE_TILESYNCOPS_TD
