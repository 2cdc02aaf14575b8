//===- TensorMap.h - Tensor maps and what the TMA does with them ----------===//
//
// cuTensorMapEncodeTiled's 128 bytes are opaque, so a driver defines its own
// content. They come back from kernel parameters and from global memory, where
// anyone may have written: decoding validates them as hostile input.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_ASYNC_TENSORMAP_H
#define TILEWRIGHT_SIM_ASYNC_TENSORMAP_H

#include <cstdint>
#include <string>

namespace tilewright::sim {

/// Values as in CUtensorMapDataType. The packed 4- and 6-bit types belong to
/// later architectures and are refused by name.
enum class TensorDataType : uint8_t {
  UInt8,
  UInt16,
  UInt32,
  Int32,
  UInt64,
  Int64,
  Float16,
  Float32,
  Float64,
  BFloat16,
  Float32Ftz,
  TFloat32,
  TFloat32Ftz
};

/// Values as in CUtensorMapSwizzle. Its 128-byte patterns with atoms of 32 and
/// 64 bytes need sm_100 and are refused by name.
enum class TensorSwizzle : uint8_t { None, Bytes32, Bytes64, Bytes128 };

inline constexpr int maxTensorRank = 5;
inline constexpr int tensorMapBytes = 128;

/// A tensor map, decoded.
struct TensorMap {
  uint64_t address = 0;                ///< global address of element 0
  uint64_t dim[maxTensorRank] = {};    ///< elements
  uint64_t stride[maxTensorRank] = {}; ///< bytes; stride[0] = element size
  uint32_t box[maxTensorRank] = {};    ///< elements traversed
  uint8_t elementStride[maxTensorRank] = {};
  uint8_t rank = 0;
  TensorDataType type = TensorDataType::UInt8;
  TensorSwizzle swizzle = TensorSwizzle::None;
  uint8_t l2Promotion = 0; ///< kept, without effect
  bool fillNan = false;    ///< out-of-bounds elements read as NaN, not zero

  uint32_t elementBytes() const;
  /// Elements that a transfer moves along `dimension`.
  uint32_t boxElements(int dimension) const {
    return (box[dimension] + elementStride[dimension] - 1) /
           elementStride[dimension];
  }
  /// Bytes of shared memory that a box fills, which is also what it adds to a
  /// transaction count: elements out of bounds count too.
  uint32_t boxBytes() const;
  /// Alignment that the shared-memory address must have.
  uint32_t sharedAlignment() const;
};

/// Arguments of cuTensorMapEncodeTiled as they arrive, enums as raw integers.
struct TensorMapArguments {
  uint32_t dataType = 0;
  uint32_t rank = 0;
  uint64_t globalAddress = 0;
  const uint64_t *globalDim = nullptr;
  const uint64_t *globalStrides = nullptr; ///< rank - 1 of them, in bytes
  const uint32_t *boxDim = nullptr;
  const uint32_t *elementStrides = nullptr;
  uint32_t interleave = 0;
  uint32_t swizzle = 0;
  uint32_t l2Promotion = 0;
  uint32_t oobFill = 0;
};

/// Checks every documented rule, then writes the 128 bytes. Returns an empty
/// string, or the rule that is broken; `out` is written only on success.
std::string encodeTensorMap(const TensorMapArguments &arguments,
                            uint8_t out[tensorMapBytes]);

/// Reads 128 bytes that may hold anything. Returns an empty string, or what is
/// wrong with them; `out` is written only on success.
std::string decodeTensorMap(const uint8_t bytes[tensorMapBytes],
                            TensorMap &out);

/// cuTensorMapReplaceAddress: same content, another base.
std::string replaceTensorMapAddress(uint8_t bytes[tensorMapBytes],
                                    uint64_t globalAddress);

/// Fields of PTX's tensormap.replace, with its numbering of their values.
enum class TensorMapField : uint8_t {
  GlobalAddress,
  Rank, ///< one less than the rank
  BoxDim,
  GlobalDim,
  GlobalStride,
  ElementStride,
  ElementType,
  Interleave,
  Swizzle,
  SwizzleAtomicity,
  FillMode
};

/// tensormap.replace: sets one field of a valid or half-rewritten map. Rules
/// between fields are checked when the map is decoded, not here. Returns an
/// empty string, or why the field or its value is refused.
std::string replaceTensorMapField(uint8_t bytes[tensorMapBytes],
                                  TensorMapField field, uint32_t ordinal,
                                  uint64_t value);

/// Where a transfer stands in shared memory: byte 0 of `data` is shared address
/// 0, because swizzling looks at absolute addresses.
struct SharedSpan {
  uint8_t *data = nullptr;
  uint32_t size = 0;
};

/// Global memory as the TMA sees it. `translate` returns the host pointer of
/// [address, address + size), or null if any byte of it lies outside every live
/// allocation (or may not be written, if `write`).
struct GlobalAccess {
  void *context = nullptr;
  uint8_t *(*translate)(void *context, uint64_t address, uint64_t size,
                        bool write) = nullptr;
};

/// Reduction of cp.reduce.async.bulk.tensor.
enum class TensorReduction : uint8_t { Add, Min, Max, Inc, Dec, And, Or, Xor };

struct TransferResult {
  std::string error;  ///< empty on success; on error nothing counts as moved
  uint32_t bytes = 0; ///< to subtract from an mbarrier's transaction count
};

/// cp.async.bulk.tensor .shared <- .global, tiled: the box at `coordinates`
/// (element index of its corner, any sign) lands at `sharedAddress`.
TransferResult loadTensorBox(const TensorMap &map, const int32_t *coordinates,
                             uint32_t sharedAddress, SharedSpan shared,
                             const GlobalAccess &global);

/// cp.async.bulk.tensor .global <- .shared; elements out of bounds are clipped.
TransferResult storeTensorBox(const TensorMap &map, const int32_t *coordinates,
                              uint32_t sharedAddress, SharedSpan shared,
                              const GlobalAccess &global);

/// cp.reduce.async.bulk.tensor .global <- .shared. Not atomic by itself: the
/// caller serializes reductions on one allocation.
TransferResult reduceTensorBox(const TensorMap &map, TensorReduction operation,
                               const int32_t *coordinates,
                               uint32_t sharedAddress, SharedSpan shared,
                               const GlobalAccess &global);

/// Null if the element type has the reduction, else what is wrong.
const char *checkTensorReduction(TensorDataType type,
                                 TensorReduction operation);

/// destination[i] = operation(destination[i], source[i]) for `count` elements
/// of a combination that checkTensorReduction accepts; cp.reduce.async.bulk
/// uses it too. f32 additions flush subnormals, as the manual says of the
/// hardware.
void reduceElements(TensorDataType type, TensorReduction operation,
                    uint8_t *destination, const uint8_t *source,
                    uint32_t count);

/// Calls `visit(context, address, bytes)` for each contiguous run of global
/// memory that a transfer of this box touches: for checkers.
void visitGlobalRuns(const TensorMap &map, const int32_t *coordinates,
                     void (*visit)(void *context, uint64_t address,
                                   uint32_t bytes),
                     void *context);

/// Shared address of the byte at `offset` of an unswizzled box at `base`.
uint32_t swizzledAddress(TensorSwizzle swizzle, uint32_t base, uint32_t offset);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_ASYNC_TENSORMAP_H
