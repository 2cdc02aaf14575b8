//===- GenerationConfig.h - What generation_config.json says ----*- C++ -*-===//

#ifndef TILEWRIGHT_FRONTEND_HF_GENERATIONCONFIG_H
#define TILEWRIGHT_FRONTEND_HF_GENERATIONCONFIG_H

#include "frontend/Diagnostics.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>
#include <string>

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

/// Reads `directory`/generation_config.json, if it is there. Refuses settings
/// that would change which tokens are taken and that generation does not have,
/// unless `ignoredFields` names them, as "generation_config.NAME".
GenerationConfig readGenerationConfig(llvm::StringRef directory,
                                      int64_t vocabSize,
                                      llvm::ArrayRef<std::string> ignoredFields,
                                      DiagnosticSink &sink);

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_HF_GENERATIONCONFIG_H
