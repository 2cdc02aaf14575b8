//===- TileComputeOps.td - Products and ops on fragments --*- tablegen -*-===//
// Elementwise arithmetic on fragments is arith and math; here is the rest.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_TILE_TILECOMPUTEOPS_TD
#define TILEWRIGHT_IR_TILE_TILECOMPUTEOPS_TD

def Tile_MmaOp : Tile_Op<"mma", [AllTypesMatch<["acc", "result"]>]> {
  let summary = "Matrix product, accumulated";
  let description = [{
    `acc + a * b`, run asynchronously by the warpgroups of the role. `a` is a
    shared tile `[M, K]` (`[K, M]` with `transpose_a`) or a fragment; `b` a shared
    tile `[K, N]` (`[N, K]` with `transpose_b`). Until `tile.mma_wait`, the result may
    only feed another product; `tile-insert-fences` inserts a wait where it feeds
    anything else. The product of a constant zero accumulator starts afresh.

    Constraints:
    - (C1) Shapes agree: `a` is M x K, `b` K x N, `acc` M x N.
    - (C2) `a` and `b` have the same element type, one the target multiplies, and
      `acc` is f32 (or f16 with f16 operands; i32 with i8).
    - (C3) M is a multiple of 64, K of the instruction's K (32 bytes), N of 8.
    - (C4) `transpose_a`, and `b` without `transpose_b`, only for 16-bit types.
    - (C5) Shared operands are swizzled, or a single swizzle row of 16 bytes wide.
    - (C6) `transpose_a` is not given with a fragment.

    Example:

    ```mlir
    %d = tile.mma %a, %b, %acc transpose_b : !tile.shared<128x64xbf16, swizzle = 128>,
        !tile.shared<256x64xbf16, swizzle = 128>, !tile.fragment<128x256xf32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[Tile_SharedType, Tile_FragmentType]>:$a,
                       Tile_SharedType:$b, Tile_FragmentType:$acc,
                       UnitAttr:$transpose_a, UnitAttr:$transpose_b);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = [{
    $a `,` $b `,` $acc (`transpose_a` $transpose_a^)? (`transpose_b` $transpose_b^)?
    attr-dict `:` qualified(type($a)) `,` qualified(type($b)) `,` qualified(type($acc))
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Extents of the product.
    int64_t getM(); int64_t getN(); int64_t getK();
  }];
}

def Tile_MmaWaitOp : Tile_Op<"mma_wait", [DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "Wait for matrix products";
  let description = [{
    Waits until at most the last `in_flight` products that the role issued are
    still running. The operands are usable as values through the results.

    Constraints:
    - (C1) `in_flight` is not negative.

    Example: `%s2 = tile.mma_wait %s {in_flight = 1} : !tile.fragment<64x128xf32>`.
  }];
  let arguments = (ins Variadic<Tile_FragmentType>:$values,
                       DefaultValuedAttr<I64Attr, "0">:$in_flight);
  let results = (outs Variadic<Tile_FragmentType>:$results);
  let assemblyFormat = "($values^ `:` qualified(type($values)))? attr-dict";
  let hasVerifier = 1;
}

def Tile_SplatOp : Tile_Op<"splat", [Pure]> {
  let summary = "One value in every element";
  let description = [{
    Constraints:
    - (C1) The value has the fragment's element type.

    Example: `%zero = tile.splat %c0 : f32 to !tile.fragment<128x256xf32>`.
  }];
  let arguments = (ins Tile_Scalar:$value);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$value attr-dict `:` qualified(type($value)) `to` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_IotaOp : Tile_Op<"iota", [Pure]> {
  let summary = "The coordinate of every element along a dimension";
  let description = [{
    Constraints:
    - (C1) The fragment has the dimension, and integer elements.

    Example: `%column = tile.iota 1 : !tile.fragment<64x128xi32>`.
  }];
  let arguments = (ins I64Attr:$dim);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$dim attr-dict `:` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_CastOp : Tile_Op<"cast", [Pure]> {
  let summary = "Elements converted to another type";
  let description = [{
    Between floats (to nearest even; saturating to 8-bit floats), signed
    integers and floats, or integers (sign-extended; i1 zero-extended). `arith`
    casts do not take fragments.

    Constraints:
    - (C1) Same shape and layout.

    Example: `%h = tile.cast %f : !tile.fragment<64x128xf32> to !tile.fragment<64x128xbf16>`.
  }];
  let arguments = (ins Tile_FragmentType:$value);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$value attr-dict `:` qualified(type($value)) `to` qualified(type($result))";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_BitcastOp : Tile_Op<"bitcast", [Pure]> {
  let summary = "Bits of the elements read as another type of the same width";
  let description = [{
    Constraints:
    - (C1) Same shape and layout, element types of the same width.

    Example: `%i = tile.bitcast %f : !tile.fragment<1x1024xf32> to !tile.fragment<1x1024xi32>`.
  }];
  let arguments = (ins Tile_FragmentType:$value);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$value attr-dict `:` qualified(type($value)) `to` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_SelectOp : Tile_Op<"select", [Pure, AllTypesMatch<["true_value", "false_value", "result"]>]> {
  let summary = "One of two values, element by element";
  let description = [{
    `arith.select` takes a scalar condition only.

    Constraints:
    - (C1) The condition is of i1, with the shape and layout of the result.

    Example: `%m = tile.select %keep, %s, %minus_inf : !tile.fragment<64x128xi1>, !tile.fragment<64x128xf32>`.
  }];
  let arguments = (ins Tile_FragmentType:$condition, Tile_FragmentType:$true_value,
                       Tile_FragmentType:$false_value);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$condition `,` $true_value `,` $false_value attr-dict `:` qualified(type($condition)) `,` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_ReduceOp : Tile_Op<"reduce"> {
  let summary = "All elements along a dimension combined";
  let description = [{
    Keeps the dimension, with size 1; the result is replicated over the threads
    that held it. The order is a function of the layout alone: registers of a
    thread from first to last, then lanes by butterfly, then warps from first to
    last. Over warps it goes through `scratch`, which `tile-plan-shared-memory`
    adds. `max` and `min` ignore NaN unless all are.

    Constraints:
    - (C1) The fragment has the dimension.
    - (C2) The result is the operand with size 1 in that dimension.

    Example: `%sum = tile.reduce add %f 1 : !tile.fragment<64x128xf32> to !tile.fragment<64x1xf32>`.
  }];
  let arguments = (ins Tile_ReduceKind:$kind, Tile_FragmentType:$value, I64Attr:$dim,
                       Optional<Tile_SharedType>:$scratch);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = [{
    $kind $value $dim (`scratch` `(` $scratch^ `:` qualified(type($scratch)) `)`)? attr-dict `:` qualified(type($value)) `to` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_ArgmaxOp : Tile_Op<"argmax"> {
  let summary = "The largest element along a dimension, and where it is";
  let description = [{
    The lowest index among equals. `index` is a fragment of i32.

    Constraints:
    - (C1) The fragment has the dimension.
    - (C2) `max` and `index` have size 1 in that dimension.
    - (C3) `index` is of i32.

    Example: `%max, %index = tile.argmax %f 1 : !tile.fragment<1x4096xf32> to !tile.fragment<1x1xf32>, !tile.fragment<1x1xi32>`.
  }];
  let arguments = (ins Tile_FragmentType:$value, I64Attr:$dim, Optional<Tile_SharedType>:$scratch);
  let results = (outs Tile_FragmentType:$max, Tile_FragmentType:$index);
  let assemblyFormat = [{
    $value $dim (`scratch` `(` $scratch^ `:` qualified(type($scratch)) `)`)? attr-dict `:` qualified(type($value)) `to` qualified(type($max)) `,` qualified(type($index))
  }];
  let hasVerifier = 1;
}

def Tile_BroadcastOp : Tile_Op<"broadcast", [Pure]> {
  let summary = "Dimensions of size 1 repeated";
  let description = [{
    Constraints:
    - (C1) Same rank and element type; each dimension is that of the result, or 1.
    - (C2) With layouts, every thread of the result holds what it needs of the
      operand.

    Example: `%b = tile.broadcast %sum : !tile.fragment<64x1xf32> to !tile.fragment<64x128xf32>`.
  }];
  let arguments = (ins Tile_FragmentType:$value);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$value attr-dict `:` qualified(type($value)) `to` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_ExtractOp : Tile_Op<"extract", [Pure]> {
  let summary = "A part of a fragment";
  let description = [{
    The sub-tile at static offsets; every thread keeps elements it holds.

    Constraints:
    - (C1) Same rank and element type; the part fits inside.
    - (C2) With layouts, the part is thread-local.

    Example: `%left = tile.extract %f[0, 0] : !tile.fragment<64x128xf32> to !tile.fragment<64x64xf32>`.
  }];
  let arguments = (ins Tile_FragmentType:$value, DenseI64ArrayAttr:$offsets);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$value $offsets attr-dict `:` qualified(type($value)) `to` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_DeinterleaveOp : Tile_Op<"deinterleave", [Pure, AllTypesMatch<["even", "odd"]>]> {
  let summary = "Alternating groups along a dimension, taken apart";
  let description = [{
    Element i along `dim` goes to `even` if `(i / group)` is even, else to `odd`; so
    the two results hold the partners at distance `group` at the same place. In
    the layouts of matrix products, group 8 is thread-local along both
    dimensions.

    Constraints:
    - (C1) The size of the dimension is a multiple of twice the group.
    - (C2) The results have half of it, and otherwise the operand's type.
    - (C3) With layouts, it is thread-local.

    Example: `%gate, %up = tile.deinterleave %f 1 group 8 : !tile.fragment<64x128xf32> to !tile.fragment<64x64xf32>`.
  }];
  let arguments = (ins Tile_FragmentType:$value, I64Attr:$dim, I64Attr:$group);
  let results = (outs Tile_FragmentType:$even, Tile_FragmentType:$odd);
  let assemblyFormat = "$value $dim `group` $group attr-dict `:` qualified(type($value)) `to` qualified(type($even))";
  let hasVerifier = 1;
}

def Tile_InterleaveOp : Tile_Op<"interleave", [Pure, AllTypesMatch<["even", "odd"]>]> {
  let summary = "Inverse of `tile.deinterleave`";
  let description = [{
    Constraints: (C1) to (C3) of `tile.deinterleave`, with the result as its operand.

    Example: `%f = tile.interleave %a, %b 1 group 8 : !tile.fragment<64x64xf32> to !tile.fragment<64x128xf32>`.
  }];
  let arguments = (ins Tile_FragmentType:$even, Tile_FragmentType:$odd, I64Attr:$dim, I64Attr:$group);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$even `,` $odd $dim `group` $group attr-dict `:` qualified(type($even)) `to` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_ConvertOp : Tile_Op<"convert"> {
  let summary = "A fragment in another layout";
  let description = [{
    A renaming of registers where each thread already holds what it needs,
    otherwise through `scratch`, which `tile-plan-shared-memory` adds.

    Constraints:
    - (C1) Same shape and element type.

    Example: `%c = tile.convert %f : !tile.fragment<64x64xf32, #a> to !tile.fragment<64x64xf32, #b>`.
  }];
  let arguments = (ins Tile_FragmentType:$value, Optional<Tile_SharedType>:$scratch);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = [{
    $value (`scratch` `(` $scratch^ `:` qualified(type($scratch)) `)`)? attr-dict `:` qualified(type($value)) `to` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_ReshapeOp : Tile_Op<"reshape", [Pure]> {
  let summary = "Dimensions of size 1 added or removed";
  let description = [{
    Constraints:
    - (C1) Same element type; the shapes are equal without their dimensions of
      size 1.

    Example: `%r = tile.reshape %f : !tile.fragment<64xf32> to !tile.fragment<64x1xf32>`.
  }];
  let arguments = (ins Tile_FragmentType:$value);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$value attr-dict `:` qualified(type($value)) `to` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_ToScalarOp : Tile_Op<"to_scalar"> {
  let summary = "The one element of a fragment, for control flow";
  let description = [{
    Constraints:
    - (C1) The fragment has one element, of the result's type.

    In every layout, all threads hold the one element.

    Example: `%more = tile.to_scalar %any : !tile.fragment<1x1xi1> to i1`.
  }];
  let arguments = (ins Tile_FragmentType:$value);
  let results = (outs Tile_Scalar:$result);
  let assemblyFormat = "$value attr-dict `:` qualified(type($value)) `to` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_ClusterSumOp : Tile_Op<"cluster_sum", [AttrSizedOperandSegments]> {
  let summary = "Sum of the CTAs' fragments";
  let description = [{
    Adds the fragments of all CTAs of the cluster, in the order of their ranks.
    The result is valid in rank 0; elsewhere it is unspecified. Every CTA's warps
    of the role, or of the kernel, run it as often. `tile-plan-shared-memory` adds
    the scratch that rank 0 reads, and in a role the `barriers` by which the CTAs
    tell each other that it may be read, and has been.

    Constraints:
    - (C1) The kernel has a cluster.
    - (C2) The result has the operand's type.
    - (C3) A role that it stands in has no replicas.

    Example: `%sum = tile.cluster_sum %partial : !tile.fragment<64x64xf32>`.
  }];
  let arguments = (ins Tile_FragmentType:$value, Optional<Tile_SharedType>:$scratch,
                       Optional<Tile_BarriersType>:$barriers);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = [{
    $value (`scratch` `(` $scratch^ `:` qualified(type($scratch)) `)`)?
    (`barriers` `(` $barriers^ `:` type($barriers) `)`)?
    attr-dict `:` qualified(type($value)) `to` qualified(type($result))
  }];
  let hasVerifier = 1;
}

def Tile_PhiloxOp : Tile_Op<"philox", [Pure, AllTypesMatch<["counter", "result"]>]> {
  let summary = "Counter-based random numbers";
  let description = [{
    The first word of Philox 4x32-10 with the 64-bit key `key` and the counter
    (`counter`, `stream`, 0, 0), for each element.

    Constraints:
    - (C1) `counter` is of i32.

    Example: `%r = tile.philox %seed, %step, %column : i64, i32, !tile.fragment<1x1024xi32>`.
  }];
  let arguments = (ins I64:$key, I32:$stream, Tile_FragmentType:$counter);
  let results = (outs Tile_FragmentType:$result);
  let assemblyFormat = "$key `,` $stream `,` $counter attr-dict `:` qualified(type($key)) `,` qualified(type($stream)) `,` qualified(type($counter))";
  let hasVerifier = 1;
}

#endif // TILEWRIGHT_IR_TILE_TILECOMPUTEOPS_TD
