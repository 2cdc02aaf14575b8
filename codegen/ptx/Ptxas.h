//===- Ptxas.h - Assembling PTX and reading ptxas's report ------*- C++ -*-===//
//
// ptxas is the one judge of PTX that is not ours: it says whether the text is
// well formed, how many registers a kernel takes, whether it spills, and
// whether it had to serialize wgmma. Its cubins go into bundles on request.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_CODEGEN_PTX_PTXAS_H
#define TILEWRIGHT_CODEGEN_PTX_PTXAS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tilewright {

struct PtxasOptions {
  /// Runs a version known to miscompile, see `findKnownDefect`.
  bool force = false;
  /// Spilled registers are an error.
  bool rejectSpills = false;
  /// Advisories, such as "wgmma serialized", are an error.
  bool rejectAdvisories = false;
  unsigned optLevel = 3;
};

/// What ptxas says about one kernel.
struct PtxasReport {
  std::string kernel;
  unsigned registers = 0;
  unsigned barriers = 0;
  uint64_t stackBytes = 0;
  uint64_t spillBytes = 0;  ///< stores and loads together
  uint64_t sharedBytes = 0; ///< static only
};

/// One module, assembled.
struct PtxasResult {
  std::vector<PtxasReport> kernels; ///< in the order of ptxas's output
  /// Warnings, and the "(C75xx)" lines that ptxas calls information although
  /// they announce a loss of speed.
  std::vector<std::string> advisories;
  std::string cubin;

  const PtxasReport *find(llvm::StringRef kernel) const;
};

/// ptxas ran, and did not assemble.
class PtxasRejection : public llvm::ErrorInfo<PtxasRejection> {
public:
  static char ID;
  PtxasRejection(std::string path, std::string version, std::string flags,
                 std::string output)
      : path(std::move(path)), version(std::move(version)),
        flags(std::move(flags)), output(std::move(output)) {}

  /// All that it said.
  const std::string &getOutput() const { return output; }
  /// The command line that assembles `file` in the same way.
  std::string getCommand(llvm::StringRef file) const;

  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

private:
  std::string path, version, flags, output;
};

/// Why a version must not be used, or an empty string.
llvm::StringRef findKnownDefect(llvm::StringRef version);

/// An assembler found on this machine.
class Ptxas {
public:
  /// Looks, in this order, at `path` if it isn't empty, at the environment
  /// variable TILEWRIGHT_PTXAS, for the virtual environment of a build tree
  /// around `program` (argv[0] or empty), and along PATH.
  static llvm::Expected<Ptxas> find(llvm::StringRef path,
                                    llvm::StringRef program);

  llvm::StringRef getPath() const { return path; }
  /// For instance "13.5.37".
  llvm::StringRef getVersion() const { return version; }

  /// Assembles one module for `chip`.
  llvm::Expected<PtxasResult> assemble(llvm::StringRef ptx,
                                       llvm::StringRef chip,
                                       const PtxasOptions &options) const;

  /// Assembles independent modules on up to `threads` processes (0: one per
  /// core); results are in the order of `modules`.
  std::vector<llvm::Expected<PtxasResult>>
  assembleAll(llvm::ArrayRef<llvm::StringRef> modules, llvm::StringRef chip,
              const PtxasOptions &options, unsigned threads = 0) const;

private:
  std::string path;
  std::string version;
};

/// Reads the output of `ptxas -v`; the cubin stays empty.
PtxasResult parsePtxasOutput(llvm::StringRef text);

} // namespace tilewright

#endif // TILEWRIGHT_CODEGEN_PTX_PTXAS_H
