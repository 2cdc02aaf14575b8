//===- GenerationConfig.h - What generation_config.json says ----*- C++ -*-===//

#ifndef TILEWRIGHT_FRONTEND_HF_GENERATIONCONFIG_H
#define TILEWRIGHT_FRONTEND_HF_GENERATIONCONFIG_H

#include "frontend/Diagnostics.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace tilewright::frontend {

/// How the model's makers would have it sampled. None of it changes the graph:
/// it travels in the module's `xf.model` for whoever drives generation.
struct GenerationConfig {
  /// Empty where the file says nothing: config.json's are used.
  llvm::SmallVector<int64_t> eosTokenIds;
  bool sample = false;
  std::optional<double> temperature;
  std::optional<double> topP;
  std::optional<int64_t> topK;
};

/// Reads `directory`/generation_config.json, if it is there. Warns of settings
/// that the sampler does not have.
GenerationConfig readGenerationConfig(llvm::StringRef directory,
                                      int64_t vocabSize, DiagnosticSink &sink);

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_HF_GENERATIONCONFIG_H
