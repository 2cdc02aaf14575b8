//===- Gemm.h - Configs of the GEMM family --------------------------------===//
// y[tokens, n] = x[tokens, k] * w[n, k]^T with a fused epilogue. Large token
// counts put tokens on the M side of wgmma; small ones put weights there
// (swapAB), because M is 64 at least while N goes down to 8.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_AUTOTUNE_GEMM_H
#define TILEWRIGHT_AUTOTUNE_GEMM_H

#include "autotune/Choice.h"
#include "autotune/Sku.h"

namespace tilewright::autotune {

/// What the choice depends on. Sizes are in elements.
struct GemmShape {
  int64_t tokens = 0; // the largest count that this kernel is meant for
  int64_t n = 0, k = 0;
  /// Every boundary between outputs (Q, K, V) is a multiple of this; 0: one
  /// output.
  int64_t segment = 0;
  /// Width of a head when the epilogue works on heads (rope, Q/K norm); else 0.
  int64_t headDim = 0;
  /// The epilogue reduces over whole heads (Q/K norm).
  bool reducesHeads = false;
  /// Chunk of the sums of squares that the epilogue leaves behind; else 0.
  int64_t chunk = 0;
  /// Gates and ups, or halves of a rope, lie eight columns apart.
  bool pairs = false;
  /// Most CTAs that may share the K of one tile. A split adds the parts of a
  /// sum in another order, so 1 keeps the bits of all configs alike.
  int64_t maxSplitK = 8;
  /// Whether the operands may be swapped. A swapped tile also adds in another
  /// order, where the epilogue reduces along its columns.
  bool maySwap = true;
  /// Bytes that the epilogue reads and writes per accumulator element.
  double epilogueBytes = 2;
};

struct GemmConfig {
  int64_t blockM = 128; // tokens of a tile
  int64_t blockN = 128; // weight rows of a tile
  int64_t blockK = 64;
  int64_t numStages = 4;
  int64_t mathWarpgroups = 2;
  int64_t swapAB = 0;
  /// Each math warpgroup has tiles of its own, and one's epilogue is under the
  /// products of the other; the ring's stages are for each of them.
  int64_t pingPong = 0;
  int64_t splitK = 1;    // CTAs of a cluster that share one tile's K
  int64_t multicast = 1; // CTAs of a cluster that share a tile of weights
  int64_t groupM = 8;    // token tiles per weight tile in the raster

  std::vector<ConfigField> fields() const;
  std::string print() const { return printFields(fields()); }
  /// Tiles that a CTA has under way.
  int64_t replicas() const { return pingPong ? mathWarpgroups : 1; }
};

std::vector<GemmConfig> gemmCandidates(const GemmShape &shape, const Sku &sku);

/// Why `config` cannot serve `shape` on `sku`; nothing if it can.
std::optional<std::string> whyIllegal(const GemmConfig &config,
                                      const GemmShape &shape, const Sku &sku);

/// Predicted cycles of one launch in steady state.
double gemmCycles(const GemmConfig &config, const GemmShape &shape,
                  const Sku &sku);

/// Columns of a tile that the epilogue handles at a time: the whole tile, or
/// the widest slice that crosses no boundary between outputs or heads.
int64_t gemmEpilogueSlice(const GemmConfig &config, const GemmShape &shape);

/// Bytes of shared memory of the ring and of the epilogue's staging.
int64_t gemmSharedBytes(const GemmConfig &config, const GemmShape &shape);

/// The cheapest legal candidate, or nothing (then `rejections` says why).
std::optional<Choice<GemmConfig>>
chooseGemm(const GemmShape &shape, const Sku &sku,
           std::vector<Rejection> *rejections = nullptr);

} // namespace tilewright::autotune

#endif // TILEWRIGHT_AUTOTUNE_GEMM_H
