//===- TestSkus.h - The repository's SKUs, for tests ----------------------===//
#ifndef TILEWRIGHT_TESTS_AUTOTUNE_TESTSKUS_H
#define TILEWRIGHT_TESTS_AUTOTUNE_TESTSKUS_H

#include "autotune/Choice.h"
#include "autotune/Sku.h"

#include <stdexcept>

namespace tilewright::autotune {

/// A SKU of the repository; a test that asks for another one fails.
inline Sku testSku(const std::string &name) {
  std::string error;
  std::optional<Sku> sku = loadSku(name, TILEWRIGHT_SKU_DIR, error);
  if (!sku)
    throw std::runtime_error(error);
  return *sku;
}

/// Why a candidate was ruled out; empty if it was not.
inline std::string reasonOf(const std::optional<std::string> &reason) {
  return reason.value_or("");
}

} // namespace tilewright::autotune

#endif // TILEWRIGHT_TESTS_AUTOTUNE_TESTSKUS_H
