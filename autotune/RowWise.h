//===- RowWise.h - Configs of row-wise and elementwise kernels ------------===//
// A CTA owns whole rows and keeps them in registers between the pass that
// reduces and the pass that writes.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_AUTOTUNE_ROWWISE_H
#define TILEWRIGHT_AUTOTUNE_ROWWISE_H

#include "autotune/Choice.h"
#include "autotune/Sku.h"

namespace tilewright::autotune {

struct RowWiseShape {
  int64_t rows = 0; // the largest count that the kernel is meant for
  int64_t columns = 0;
  int64_t elementBytes = 2;
  /// Columns that a CTA has to hold: all of a row where something reduces it, a
  /// chunk of the sums of squares; 0: as many as its threads take at once.
  int64_t span = 0;
};

struct RowWiseConfig {
  int64_t warps = 4;
  int64_t rowsPerCta = 1;
  int64_t vector = 8; // elements of one access

  /// Columns that one CTA holds.
  int64_t columnsOf(const RowWiseShape &shape, const Sku &sku) const;

  std::vector<ConfigField> fields() const;
  std::string print() const { return printFields(fields()); }
};

std::optional<std::string> whyIllegal(const RowWiseConfig &config,
                                      const RowWiseShape &shape,
                                      const Sku &sku);
double rowWiseCycles(const RowWiseConfig &config, const RowWiseShape &shape,
                     const Sku &sku);
std::optional<Choice<RowWiseConfig>>
chooseRowWise(const RowWiseShape &shape, const Sku &sku,
              std::vector<Rejection> *rejections = nullptr);

} // namespace tilewright::autotune

#endif // TILEWRIGHT_AUTOTUNE_ROWWISE_H
