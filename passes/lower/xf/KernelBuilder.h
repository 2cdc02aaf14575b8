//===- KernelBuilder.h - Short spellings for building tile IR -------------===//
// What every family's lowering says all the time: constants, fragments of a
// shape, elementwise arithmetic in f32, casts that vanish when not needed.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_PASSES_LOWER_XF_KERNELBUILDER_H
#define TILEWRIGHT_PASSES_LOWER_XF_KERNELBUILDER_H

#include "ir/tile/Tile.h"
#include "ir/xf/Xf.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tilewright {

/// A comparison's kind, without the spelling of arith's enums.
enum class Compare { Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual };

class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // Scalars. Sizes and offsets are of type index.
  mlir::Value index(int64_t value);
  mlir::Value i32(int32_t value);
  mlir::Value f32(float value);
  mlir::Value toIndex(mlir::Value i32Value);
  mlir::Value toI32(mlir::Value indexValue);
  mlir::Value add(mlir::Value lhs, int64_t rhs);
  mlir::Value mul(mlir::Value lhs, int64_t rhs);
  mlir::Value div(mlir::Value lhs, int64_t rhs);
  mlir::Value rem(mlir::Value lhs, int64_t rhs);
  mlir::Value ceilDiv(mlir::Value lhs, int64_t rhs);
  mlir::Value min(mlir::Value lhs, mlir::Value rhs);
  mlir::Value max(mlir::Value lhs, mlir::Value rhs);

  // Fragments.
  static tile::FragmentType typeOf(mlir::Value fragment);
  static llvm::ArrayRef<int64_t> shapeOf(mlir::Value fragment);
  tile::FragmentType fragment(llvm::ArrayRef<int64_t> shape,
                              mlir::Type element);
  mlir::Value splat(mlir::Value scalar, llvm::ArrayRef<int64_t> shape);
  mlir::Value splat(float value, llvm::ArrayRef<int64_t> shape);
  mlir::Value splat(int32_t value, llvm::ArrayRef<int64_t> shape);
  mlir::Value iota(int64_t dim, llvm::ArrayRef<int64_t> shape);
  /// The fragment itself where it has the type or shape already.
  mlir::Value cast(mlir::Value fragment, mlir::Type element);
  mlir::Value broadcast(mlir::Value fragment, llvm::ArrayRef<int64_t> shape);
  mlir::Value extract(mlir::Value fragment, llvm::ArrayRef<int64_t> offsets,
                      llvm::ArrayRef<int64_t> shape);
  mlir::Value reduce(tile::ReduceKind kind, mlir::Value fragment, int64_t dim);
  std::pair<mlir::Value, mlir::Value> deinterleave(mlir::Value fragment,
                                                   int64_t dim, int64_t group);
  mlir::Value interleave(mlir::Value even, mlir::Value odd, int64_t dim,
                         int64_t group);
  mlir::Value select(mlir::Value condition, mlir::Value ifTrue,
                     mlir::Value ifFalse);
  mlir::Value compare(Compare kind, mlir::Value lhs, mlir::Value rhs);

  // Elementwise arithmetic on scalars or fragments of one type; a dimension of
  // size 1 is repeated as needed.
  mlir::Value addf(mlir::Value lhs, mlir::Value rhs);
  mlir::Value subf(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mulf(mlir::Value lhs, mlir::Value rhs);
  mlir::Value divf(mlir::Value lhs, mlir::Value rhs);
  mlir::Value maxf(mlir::Value lhs, mlir::Value rhs);
  mlir::Value addi(mlir::Value lhs, mlir::Value rhs);
  mlir::Value muli(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mulf(mlir::Value lhs, float rhs);
  mlir::Value addf(mlir::Value lhs, float rhs);
  /// 2^x, by the approximate instruction.
  mlir::Value exp2(mlir::Value x);
  /// e^x, as 2^(x log2 e).
  mlir::Value exp(mlir::Value x);
  mlir::Value rsqrt(mlir::Value x);

  // Memory. `dims` and `rows` as in `tile.load`.
  struct LoadOptions {
    mlir::Value rows, like;
    llvm::SmallVector<int64_t> dims;
    mlir::Attribute fill;
    int64_t vector = 0;
    bool stream = false;
  };
  mlir::Value load(mlir::Value source, mlir::ValueRange indices,
                   llvm::ArrayRef<int64_t> shape, const LoadOptions &options);
  struct StoreOptions {
    mlir::Value rows, mask;
    llvm::SmallVector<int64_t> dims;
    bool stream = false;
  };
  void store(mlir::Value value, mlir::Value destination,
             mlir::ValueRange indices, const StoreOptions &options);
  mlir::Value loadScalar(mlir::Value source, mlir::ValueRange indices);
  mlir::Value size(mlir::Value global, int64_t dim);

  tile::SharedType shared(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                          int64_t swizzle);

private:
  /// Repeats whichever side is smaller.
  std::pair<mlir::Value, mlir::Value> sameShape(mlir::Value lhs,
                                                mlir::Value rhs);
};

/// The xf activation, elementwise in f32.
mlir::Value buildActivation(KernelBuilder &builder, xf::ActivationKind kind,
                            mlir::Value x);

/// One elementwise xf op on operands in f32, to a result in f32: add, mul,
/// scale, scale_rows, activation.
mlir::Value buildElementwise(KernelBuilder &builder, mlir::Operation *op,
                             mlir::ValueRange operands);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_LOWER_XF_KERNELBUILDER_H
