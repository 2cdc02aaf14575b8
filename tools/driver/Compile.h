//===- Compile.h - From a model directory to a bundle ---------------------===//
// The one place where the stages meet: front end, passes, code generation,
// bundle. Everything it decides comes from `CompileOptions`, which the manifest
// records.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_COMPILE_H
#define TILEWRIGHT_TOOLS_DRIVER_COMPILE_H

#include "tools/driver/BundleWriter.h"
#include "tools/driver/CompilerContext.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include <nlohmann/json.hpp>

#include <functional>
#include <string>

namespace tilewright {

struct CompileOptions {
  std::string modelDirectory;
  std::string target = "sm_90a";
  std::string sku = "h800-sxm";
  std::string skuDirectory;
  /// No weights: their types are taken from the config.
  bool configOnly = false;
  int64_t maxTokens = 2048, maxSeqs = 64,
          maxContext = 0; // 0: what the model allows, up to a limit
  int64_t pageSize = 64;
  /// Only configs with which a sequence's results do not depend on the others
  /// in its step.
  bool batchInvariant = false;
  /// Fields of config.json that the user knows to be without effect.
  std::vector<std::string> ignoredFields;
  /// Interpret the graph on random input after each of its passes; a change
  /// beyond what the pass states is a `VerificationError`.
  bool verifyEachPass = false;
  /// Where IR is written after each stage; empty: nowhere.
  std::string dumpDirectory;
  /// Assemble every kernel, for the report; the tool's path, or empty to look.
  bool assemble = true;
  std::string ptxas;
  bool forcePtxas = false;
  /// Put ptxas's cubins into the bundle.
  bool cubins = false;
  bool failOnSpill = true;
  unsigned threads = 0; // 0: one per core
  /// For tests of what happens then: a kind of `xf-check-fault`, at the end of
  /// the graph's pipeline or of that of each kernel. Empty: none.
  std::string graphFault, kernelFault;
  /// Called as kernels are finished.
  std::function<void(const std::string &stage, size_t done, size_t total)>
      progress;
};

/// Seconds of each stage, in order.
using StageTimes = std::vector<std::pair<std::string, double>>;

struct CompiledModel {
  nlohmann::json manifest;
  BundleMembers members;
  StageTimes times;
};

/// Results are not what they should be; anything else that fails is another
/// kind of error.
class VerificationError : public llvm::ErrorInfo<VerificationError> {
public:
  static char ID;
  explicit VerificationError(std::string text) : text(std::move(text)) {}
  void log(llvm::raw_ostream &os) const override { os << text; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

private:
  std::string text;
};

/// Compiles a model; warnings go to `warnings`, one per line, with carets. The
/// error's text is ready to be printed.
llvm::Expected<CompiledModel> compileModel(const CompileOptions &options,
                                           std::string &warnings);
/// The same, keeping the graph: one function per plan, of tuned kernels.
llvm::Expected<CompiledModel>
compileModel(const CompileOptions &options, std::string &warnings,
             CompilerContext &context,
             mlir::OwningOpRef<mlir::ModuleOp> &out_module);

/// Writes a stage's IR, or another text, under `name` into the dump directory,
/// if there is one.
void dumpModule(const CompileOptions &options, llvm::StringRef name,
                mlir::Operation *module);
void dumpText(const CompileOptions &options, llvm::StringRef name,
              llvm::StringRef text);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_COMPILE_H
