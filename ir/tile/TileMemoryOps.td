//===- TileMemoryOps.td - Buffers, copies, loads, stores --*- tablegen -*-===//

#ifndef TILEWRIGHT_IR_TILE_TILEMEMORYOPS_TD
#define TILEWRIGHT_IR_TILE_TILEMEMORYOPS_TD

def Tile_AllocOp : Tile_Op<"alloc", [HasParent<"KernelOp">, MemoryEffects<[MemAlloc]>]> {
  let summary = "A buffer, or an array of barriers, in shared memory";
  let description = [{
    `offset` (bytes from the start of dynamic shared memory) is left by
    `tile-plan-shared-memory`. Lives as long as the kernel; allocations of the
    same `overlay` share their memory, and whoever uses them sees to it that no
    two are in use at a time.
    Stands in the body of the kernel, outside of roles and control flow.

    Example: `%s = tile.alloc : !tile.shared<64x64xbf16, swizzle = 128>`.
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$offset, OptionalAttr<StrAttr>:$overlay);
  let results = (outs Tile_AnyBuffer:$result);
  let assemblyFormat = "attr-dict `:` qualified(type($result))";
}

def Tile_RingOp : Tile_Op<"ring", [HasParent<"KernelOp">, MemoryEffects<[MemAlloc]>]> {
  let summary = "A ring of stages between roles";
  let description = [{
    One role acquires, fills and commits stages; others wait for them, read them
    and release them, all in the same order. Every consuming role, and every
    replica of one, sees every stage.
    With `replicas = r` the roles on both sides have r replicas, and replica i of
    the one fills a ring of its own for replica i of the other.
    Stands in the body of the kernel, outside of roles and control flow.

    Example: `%ring = tile.ring : !tile.ring<4, !tile.shared<128x64xbf16, swizzle = 128>>`.
  }];
  let arguments = (ins DefaultValuedAttr<ConfinedAttr<I64Attr, [IntPositive]>, "1">:$replicas);
  let results = (outs Tile_RingType:$result);
  let assemblyFormat = "attr-dict `:` qualified(type($result))";
}

class Tile_StageOp<string mnemonic> : Tile_Op<mnemonic, [DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let arguments = (ins Tile_RingType:$ring);
  let results = (outs Variadic<Tile_SharedType>:$buffers);
  let assemblyFormat = "$ring attr-dict `:` qualified(type($ring))";
}

def Tile_AcquireOp : Tile_StageOp<"acquire"> {
  let summary = "Producer: wait until the next stage of a ring is free";
  let description = [{
    Example: `%a, %b = tile.acquire %ring : !tile.ring<4, !tile.shared<..>, !tile.shared<..>>`.
  }];
}

def Tile_WaitOp : Tile_StageOp<"wait"> {
  let summary = "Consumer: wait for the next full stage of a ring";
  let description = [{
    Example: `%a, %b = tile.wait %ring : !tile.ring<4, !tile.shared<..>, !tile.shared<..>>`.
  }];
}

def Tile_CommitOp : Tile_Op<"commit"> {
  let summary = "Producer: hand the acquired stage over";
  let description = [{
    The stage is full once all copies into it since `acquire` have landed, and
    all other writes of the role to it are done.

    Example: `tile.commit %ring : !tile.ring<..>`.
  }];
  let arguments = (ins Tile_RingType:$ring);
  let assemblyFormat = "$ring attr-dict `:` qualified(type($ring))";
}

def Tile_ReleaseOp : Tile_Op<"release"> {
  let summary = "Consumer: give back the oldest stage it holds";
  let description = [{
    With `after`, stages are given back only once the matrix products that read
    them are done: at most the last `in_flight` products up to `after` are still
    running then, and the stages they may read are kept. What is still held when
    the loop ends is given back there.

    Constraints:
    - (C1) `in_flight` is given with `after`, and is not negative.

    Example: `tile.release %ring after(%next : !tile.fragment<..>) {in_flight = 1} : !tile.ring<..>`.
  }];
  let arguments = (ins Tile_RingType:$ring, Optional<Tile_FragmentType>:$after,
                       DefaultValuedAttr<I64Attr, "0">:$in_flight);
  let assemblyFormat = "$ring (`after` `(` $after^ `:` qualified(type($after)) `)`)? attr-dict `:` qualified(type($ring))";
  let hasVerifier = 1;
}

def Tile_SliceOp : Tile_Op<"slice", [Pure]> {
  let summary = "A part of a shared tile";
  let description = [{
    Constraints:
    - (C1) One offset per dimension; same rank, element type and swizzle.
    - (C2) The result fits inside the source at static offsets.
    - (C3) In a swizzled tile, the row offset and count are multiples of 8, and the
      result has all columns or is a whole number of panels at a static offset; or it
      is a static part of one panel, to be read as an operand of `tile.mma` only.

    Example: `%t = tile.slice %s[64, 0] : !tile.shared<128x64xbf16, swizzle = 128> to !tile.shared<64x64xbf16, swizzle = 128>`.
  }];
  let arguments = (ins Tile_SharedType:$source, Variadic<Index>:$offsets, DenseI64ArrayAttr:$static_offsets);
  let results = (outs Tile_SharedType:$result);
  let assemblyFormat = "$source custom<DynamicIndexList>($offsets, $static_offsets) attr-dict `:` qualified(type($source)) `to` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_StageBufferOp : Tile_Op<"stage", [Pure, DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "Expanded: one of the equal buffers of an allocation";
  let description = [{
    The buffer at `index` along the leading dimension.

    Constraints:
    - (C1) The source has rank 2 or more.

    Example: `%s = tile.stage %buffers[%i] : !tile.shared<4x128x64xbf16, swizzle = 128>`.
  }];
  let arguments = (ins Tile_SharedType:$source, I32:$index);
  let results = (outs Tile_SharedType:$result);
  let assemblyFormat = "$source `[` $index `]` attr-dict `:` qualified(type($source))";
}

def Tile_CopyOp : Tile_Op<"copy", [AttrSizedOperandSegments]> {
  let summary = "Asynchronous copy of a box of a global tensor to shared memory";
  let description = [{
    Copies the box with the shape of `destination` at the given offsets. Elements
    out of bounds read as zero, and count. `dims` names the dimension of the
    tensor that each dimension of the box spans; without it, the last ones.

    `multicast = [d, ..]`: CTAs of the cluster that differ only along these
    dimensions of the cluster want the same box; each copies a part of its rows
    to all of them.

    Authors put copies between `acquire` and `commit`. Expanded, the copy names
    the barrier that counts its bytes, `box` (shape of one transfer, an extent
    for each dimension of the tensor; the copy is as many transfers as boxes
    tile it) and `param` (the tensor map among the kernel's parameters). One
    thread of the role issues it.

    Constraints:
    - (C1) One index per dimension of the tensor.
    - (C2) `dims` has one dimension for each of the box, increasing; without it,
      the tensor has at least the rank of the box.
    - (C3) The element types are the same.
    - (C4) The row of a box is a multiple of 16 bytes.
    - (C5) The rank of the tensor is at most that of a tensor map.
    - (C6) `multicast` names dimensions of the cluster with an extent above 1, and
      leaves each CTA whole groups of 8 rows.

    Example:

    ```mlir
    tile.copy %b[%n, %k] to %sb {multicast = array<i64: 0>}
        : !tile.global<7168x4096xbf16>, !tile.shared<256x64xbf16, swizzle = 128>
    ```
  }];
  let arguments = (ins Tile_GlobalType:$source, Variadic<Index>:$indices,
                       Tile_SharedType:$destination,
                       Optional<Tile_BarriersType>:$barrier, Optional<I32>:$slot,
                       OptionalAttr<DenseI64ArrayAttr>:$dims,
                       OptionalAttr<DenseI64ArrayAttr>:$multicast,
                       OptionalAttr<DenseI64ArrayAttr>:$box,
                       OptionalAttr<I64Attr>:$param);
  let assemblyFormat = [{
    $source `[` $indices `]` `to` $destination
    (`barrier` `(` $barrier^ `[` $slot `]` `:` qualified(type($barrier)) `)`)?
    attr-dict `:` qualified(type($source)) `,` qualified(type($destination))
  }];
  let hasVerifier = 1;
}

def Tile_CopyOutOp : Tile_Op<"copy_out"> {
  let summary = "Asynchronous copy of a shared tile to a box of a global tensor";
  let description = [{
    Clipped to the bounds. One thread of the role issues it, after
    `tile.fence_async` and a `tile.sync`, which `tile-insert-fences` adds. Each
    is a group of its own; see `copy_wait`.

    Constraints: (C1) to (C5) of `tile.copy`.

    Example: `tile.copy_out %s to %c[%m, %n] : !tile.shared<128x64xbf16, swizzle = 128>, !tile.global<?x4096xbf16, [tokens]>`.
  }];
  let arguments = (ins Tile_SharedType:$source, Tile_GlobalType:$destination,
                       Variadic<Index>:$indices,
                       OptionalAttr<DenseI64ArrayAttr>:$dims,
                       OptionalAttr<DenseI64ArrayAttr>:$box,
                       OptionalAttr<I64Attr>:$param);
  let assemblyFormat = [{
    $source `to` $destination `[` $indices `]` attr-dict `:` qualified(type($source)) `,` qualified(type($destination))
  }];
  let hasVerifier = 1;
}

def Tile_CopyWaitOp : Tile_Op<"copy_wait"> {
  let summary = "Wait for asynchronous stores";
  let description = [{
    All threads of the role wait until at most `in_flight` of the role's
    `copy_out` still read shared memory; with `written`, until they are written.

    Example: `tile.copy_wait 0`.
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$in_flight, UnitAttr:$written);
  let assemblyFormat = "$in_flight (`written` $written^)? attr-dict";
}

def Tile_LoadOp : Tile_Op<"load", [AttrSizedOperandSegments]> {
  let summary = "Elements of global or shared memory as a fragment";
  let description = [{
    The box with the shape of the result at the given offsets. Out of bounds
    elements read as `fill`, zero by default. `dims` names the dimension of the
    source for each dimension of the fragment, -1 for one of size 1 that has
    none; without it, the last dimensions, and leading ones of size 1 if the
    fragment has more.

    `rows(%r)`, a line of numbers along one dimension of the fragment: place k
    along it comes from `indices + r[k]` in the dimension of the source that it
    spans; where `r[k]` is negative the elements are skipped, and read as `fill`.
    A single number goes along the first dimension. `like(%f)`: the layout of `f`. `vector`:
    elements per access of a thread. `stream`: no allocation in L1.

    Constraints:
    - (C1) One index per dimension of the source.
    - (C2) `dims` is as said above, or the ranks allow the default.
    - (C3) The element types are the same.
    - (C4) `rows` is of i32, with the size of the result in one dimension and 1 in the
      others; the source is global.

    Example:

    ```mlir
    %f = tile.load %x[%m, %n] {vector = 8 : i64} : !tile.global<?x4096xbf16, [tokens]> to !tile.fragment<8x1024xbf16>
    ```
  }];
  let arguments = (ins Tile_AnyMemory:$source, Variadic<Index>:$indices,
                       Optional<Tile_FragmentType>:$rows,
                       Optional<Tile_FragmentType>:$like,
                       OptionalAttr<DenseI64ArrayAttr>:$dims,
                       OptionalAttr<TypedAttrInterface>:$fill,
                       OptionalAttr<I64Attr>:$vector, UnitAttr:$stream);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = [{
    $source `[` $indices `]` (`rows` `(` $rows^ `:` qualified(type($rows)) `)`)?
    (`like` `(` $like^ `:` qualified(type($like)) `)`)? attr-dict `:` qualified(type($source)) `to` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [AttrSizedOperandSegments]> {
  let summary = "A fragment to global or shared memory";
  let description = [{
    Clipped to the bounds. `dims` and `rows` as in `tile.load`; `mask` is a
    fragment of i1, each of its dimensions that of the value or 1.

    Constraints:
    - (C1) One index per dimension of the destination.
    - (C2) `dims` as in `tile.load`.
    - (C3) The element types are the same.
    - (C4) `rows` as in `tile.load`.
    - (C5) `mask` is as said above.

    Example: `tile.store %y to %c[%m, %n] : !tile.fragment<128x256xbf16>, !tile.global<?x7168xbf16, [tokens]>`.
  }];
  let arguments = (ins Tile_FragmentType:$value, Tile_AnyMemory:$destination,
                       Variadic<Index>:$indices,
                       Optional<Tile_FragmentType>:$rows,
                       Optional<Tile_FragmentType>:$mask,
                       OptionalAttr<DenseI64ArrayAttr>:$dims,
                       UnitAttr:$stream);
  let assemblyFormat = [{
    $value `to` $destination `[` $indices `]` (`rows` `(` $rows^ `:` qualified(type($rows)) `)`)?
    (`mask` `(` $mask^ `:` qualified(type($mask)) `)`)? attr-dict `:` qualified(type($value)) `,` qualified(type($destination))
  }];
  let hasVerifier = 1;
}

def Tile_AddAtOp : Tile_Op<"add_at"> {
  let summary = "Integers added to elements of a shared vector, wherever they lie";
  let description = [{
    `destination[indices[i]] += value[i]` for each element `i`, or those that
    `mask` picks, in no order but each as a whole: the sums are the same however
    threads run. Indices are unsigned and within bounds.

    Constraints:
    - (C1) The destination has rank 1 and elements of i32, as `value` and
      `indices` have.
    - (C2) `indices` and `mask` have the shape of `value`; `mask` is of i1.

    Example: `tile.add_at %ones to %bins[%digits : !tile.fragment<1x2048xi32>] : !tile.fragment<1x2048xi32>, !tile.shared<256xi32>`.
  }];
  let arguments = (ins Tile_FragmentType:$value, Tile_SharedType:$destination,
                       Tile_FragmentType:$indices,
                       Optional<Tile_FragmentType>:$mask);
  let assemblyFormat = [{
    $value `to` $destination `[` $indices `:` qualified(type($indices)) `]` (`mask` `(` $mask^ `:` qualified(type($mask)) `)`)?
    attr-dict `:` qualified(type($value)) `,` qualified(type($destination))
  }];
  let hasVerifier = 1;
}

def Tile_LoadScalarOp : Tile_Op<"load_scalar"> {
  let summary = "One element of global or shared memory, the same in all threads";
  let description = [{
    Zero out of bounds.

    Constraints:
    - (C1) One index per dimension of the source.
    - (C2) The result has the source's element type.

    Example: `%len = tile.load_scalar %lens[%i] : !tile.global<?xi32, [seqs]> to i32`.
  }];
  let arguments = (ins Tile_AnyMemory:$source, Variadic<Index>:$indices);
  let results = (outs Tile_Scalar:$result);
  let assemblyFormat = "$source `[` $indices `]` attr-dict `:` qualified(type($source)) `to` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_StoreScalarOp : Tile_Op<"store_scalar"> {
  let summary = "One element to global or shared memory, by one thread of the role";
  let description = [{
    Clipped to the bounds.

    Constraints:
    - (C1) One index per dimension of the destination.
    - (C2) The value has the destination's element type.

    Example: `tile.store_scalar %token to %next[%i] : i32, !tile.global<?xi32, [rows]>`.
  }];
  let arguments = (ins Tile_Scalar:$value, Tile_AnyMemory:$destination, Variadic<Index>:$indices);
  let assemblyFormat = "$value `to` $destination `[` $indices `]` attr-dict `:` qualified(type($value)) `,` qualified(type($destination))";
  let hasVerifier = 1;
}

def Tile_StoreMatrixOp : Tile_Op<"store_matrix"> {
  let summary = "A fragment to a shared tile";
  let description = [{
    By `stmatrix` where the layout allows, else by plain stores. With
    `transpose`, element (r, c) goes to (c, r).

    Constraints:
    - (C1) The element types are the same.
    - (C2) The shapes are the same, after `transpose`.

    Example: `tile.store_matrix %y to %s : !tile.fragment<128x64xbf16>, !tile.shared<128x64xbf16, swizzle = 128>`.
  }];
  let arguments = (ins Tile_FragmentType:$value, Tile_SharedType:$destination, UnitAttr:$transpose);
  let assemblyFormat = "$value `to` $destination (`transpose` $transpose^)? attr-dict `:` qualified(type($value)) `,` qualified(type($destination))";
  let hasVerifier = 1;
}

def Tile_LoadMatrixOp : Tile_Op<"load_matrix"> {
  let summary = "A shared tile as a fragment";
  let description = [{
    By `ldmatrix` where the layout allows, else by plain loads.

    Constraints: (C1) and (C2) of `tile.store_matrix`.

    Example: `%y = tile.load_matrix %s : !tile.shared<128x64xbf16, swizzle = 128> to !tile.fragment<128x64xbf16>`.
  }];
  let arguments = (ins Tile_SharedType:$source, UnitAttr:$transpose);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$source (`transpose` $transpose^)? attr-dict `:` qualified(type($source)) `to` qualified(type($result))";
  let hasVerifier = 1;
}

#endif // TILEWRIGHT_IR_TILE_TILEMEMORYOPS_TD
