//===- Manifest.h - What a bundle says, checked ---------------------------===//
//
// Plain structs, one per object of the manifest; runtime/README.md documents
// the fields. Names have become indices, and every index is in range.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_BUNDLE_MANIFEST_H
#define TILEWRIGHT_RUNTIME_BUNDLE_MANIFEST_H

#include "runtime/bundle/SizeExpr.h"
#include "runtime/bundle/Zip.h"
#include "runtime/support/DType.h"
#include "runtime/support/Result.h"
#include "runtime/weights/Value.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tilewright::runtime {

inline constexpr int32_t newestSchema = 1;

/// PTX target, "sm_90a".
struct Target {
  std::string name;
  int32_t computeCapability = 0; ///< 90
  char suffix = 0;               ///< 'a', 'f' or 0

  /// Whether kernels for it run on a device of this compute capability.
  bool runsOn(int32_t device) const;
};

/// The step's inputs that this runtime can provide.
enum class InputKind : uint8_t {
  TokenIds,
  Positions,
  SlotMapping,
  CuSeqlensQ,
  CacheSeqlens,
  LogitsIndices,
  Temperature,
  TopP,
  TopK,
  Seed,
  SampleIndex,
  BlockTable,
};
enum class OutputKind : uint8_t { Logits, NextTokens };

struct Input {
  InputKind kind;
  std::string name;
  DType dtype;
  Shape shape;
};

struct Output {
  OutputKind kind;
  std::string name;
  DType dtype;
  Shape shape;
};

struct CacheTensor {
  std::string name;
  DType dtype;
  Shape shape;
  int64_t pageBytes; ///< of one page
};

struct Weight {
  std::string name;
  ValuePtr value;
  uint64_t offset; ///< in the weights' device memory
  uint64_t bytes;
};

struct ArgumentType {
  DType dtype;
  Shape shape;
};

struct PointerParam {
  size_t argument;
};
struct SizeParam {
  SizeExpr value;
  DType dtype; ///< i32 or i64
};
struct TensorMapParam {
  size_t argument;
  std::vector<Shape> view; ///< factors per dimension, outermost first
  std::vector<uint32_t> box;
  std::vector<uint32_t> elementStrides;
  uint32_t swizzle;     ///< bytes
  uint32_t l2Promotion; ///< bytes
  bool fillNan;
};
using Param = std::variant<PointerParam, SizeParam, TensorMapParam>;

struct Kernel {
  std::string name;
  std::string family;
  std::string_view ptx;
  std::string_view cubin; ///< empty if there is none
  std::array<uint32_t, 3> block;
  std::array<uint32_t, 3> cluster;
  std::vector<SizeExpr> grid; ///< x, y, z
  uint32_t sharedBytes;
  std::vector<ArgumentType> arguments;
  std::vector<Param> params;
};

/// What a launch passes for an argument of its kernel.
struct Operand {
  enum class Kind : uint8_t {
    Activation,
    Workspace,
    Weight,
    Input,
    Output,
    Cache
  };
  Kind kind;
  uint64_t index; ///< offset in an arena, index of a named tensor
};

struct KernelLaunch {
  size_t kernel;
  std::vector<Operand> operands;
};
/// Fills a part of an arena with zeros.
struct ZeroFill {
  Operand destination;
  SizeExpr bytes;
};
using Launch = std::variant<KernelLaunch, ZeroFill>;

struct Plan {
  int64_t maxTokens;
  uint64_t activationBytes;
  uint64_t workspaceBytes;
  std::vector<Launch> launches;
  SymbolValues maxima; ///< of a step that takes this plan, with one page
};

struct EntryPoint {
  std::vector<Plan> plans; ///< ascending in maxTokens
};

struct Limits {
  int64_t vocabSize = 0;
  int64_t maxContext = 0;
  int64_t maxTokens = 0;
  int64_t maxSeqs = 0;
  int64_t maxRows = 0;
  int64_t maxPagesPerSeq = 0;
  int64_t pageSize = 0;
};

struct Manifest {
  std::string family;
  std::string sku;
  Target target;
  bool batchInvariant = false;
  Limits limits;
  std::vector<int32_t> eosTokens;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  std::vector<CacheTensor> caches;
  std::vector<SourceTensor> sources; ///< what the weights' values read
  std::vector<Weight> weights;
  uint64_t weightBytes = 0; ///< of device memory, padding included
  std::vector<Kernel> kernels;
  EntryPoint decode; ///< no plans: there is none
  EntryPoint prefill;

  int64_t pageBytes() const;
  /// What operands refer to: its type, by name's index. Arenas have none.
  const Output *findOutput(OutputKind kind) const;
  /// The largest values that symbols take in a step of at most `tokens`.
  SymbolValues maxima(int64_t tokens) const;
};

/// Bytes of a dense tensor; nothing on overflow.
std::optional<uint64_t> denseBytes(DType dtype, std::span<const SizeExpr> shape,
                                   const SymbolValues &symbols);

/// Reads and checks `manifest.json` of `members`. The views in the result
/// point into `members`' bytes.
Result<Manifest> readManifest(const ZipMembers &members);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_BUNDLE_MANIFEST_H
