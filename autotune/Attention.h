//===- Attention.h - Configs of the attention families --------------------===//
// Prefill: tiles of query tokens of one head against blocks of keys. Decode:
// the query heads that share a KV head packed into one tile, the keys split
// over CTAs whose partial results a second kernel combines.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_AUTOTUNE_ATTENTION_H
#define TILEWRIGHT_AUTOTUNE_ATTENTION_H

#include "autotune/Choice.h"
#include "autotune/Sku.h"

namespace tilewright::autotune {

struct AttentionShape {
  int64_t tokens = 0,
          seqs = 0; // the largest counts that the kernel is meant for
  int64_t maxContext = 0;
  int64_t qHeads = 0, kvHeads = 0, headDim = 0, pageSize = 0;
  int64_t window = 0; // 0: none
  /// The same bits from every plan: blocks of one size, and no splits.
  bool fixedOrder = false;

  int64_t group() const { return qHeads / kvHeads; }
};

struct AttentionPrefillConfig {
  int64_t blockM = 128; // query tokens of a tile, over all math warpgroups
  int64_t blockN = 128; // keys of a block
  int64_t numStages = 2;
  int64_t mathWarpgroups = 2;

  std::vector<ConfigField> fields() const;
  std::string print() const { return printFields(fields()); }
};

struct AttentionDecodeConfig {
  int64_t blockN = 64; // keys of a block
  int64_t numStages = 2;
  int64_t numSplits = 1; // CTAs among which the keys of a sequence are divided

  std::vector<ConfigField> fields() const;
  std::string print() const { return printFields(fields()); }
};

struct AttentionCombineConfig {
  int64_t warps = 1;
  int64_t rowsPerCta = 1; // heads of a token

  std::vector<ConfigField> fields() const;
  std::string print() const { return printFields(fields()); }
};

std::optional<std::string> whyIllegal(const AttentionPrefillConfig &config,
                                      const AttentionShape &shape,
                                      const Sku &sku);
std::optional<std::string> whyIllegal(const AttentionDecodeConfig &config,
                                      const AttentionShape &shape,
                                      const Sku &sku);
double attentionPrefillCycles(const AttentionPrefillConfig &config,
                              const AttentionShape &shape, const Sku &sku);
double attentionDecodeCycles(const AttentionDecodeConfig &config,
                             const AttentionShape &shape, const Sku &sku);

std::optional<Choice<AttentionPrefillConfig>>
chooseAttentionPrefill(const AttentionShape &shape, const Sku &sku,
                       std::vector<Rejection> *rejections = nullptr);
std::optional<Choice<AttentionDecodeConfig>>
chooseAttentionDecode(const AttentionShape &shape, const Sku &sku,
                      std::vector<Rejection> *rejections = nullptr);

/// Keys of a block with which all plans of this attention give the same bits:
/// the most that both families can have. 0: they have none in common.
int64_t getCommonBlock(const AttentionShape &shape, const Sku &sku);

/// The kernel of the parts of an attention that was divided by hand: blocks and
/// splits are given.
std::optional<Choice<AttentionDecodeConfig>>
chooseAttentionPartial(const AttentionShape &shape, int64_t blockN,
                       int64_t splits, const Sku &sku,
                       std::vector<Rejection> *rejections = nullptr);

/// The kernel that combines the parts of a split. There is always a legal one.
Choice<AttentionCombineConfig>
chooseAttentionCombine(int64_t heads, int64_t headDim, int64_t splits);

} // namespace tilewright::autotune

#endif // TILEWRIGHT_AUTOTUNE_ATTENTION_H
