//===- Config.cpp - Any text as config.json -------------------------------===//
//
// The entry point that libFuzzer calls, and the mutation test without it: any
// bytes must give a module or at least one error, and never more than that.
//
//===----------------------------------------------------------------------===//

#include "frontend/hf/HuggingFace.h"

#include "mlir/IR/MLIRContext.h"

#include <cstdint>
#include <cstdlib>

using namespace tilewright;

static void require(bool condition, const char *what) {
  if (condition)
    return;
  llvm::errs() << "violated: " << what << '\n';
  std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  frontend::SourceText source{
      "config.json", std::string(reinterpret_cast<const char *>(data), size)};
  frontend::ImportOptions options;
  options.configOnly = true;
  frontend::DiagnosticSink sink;
  auto module = frontend::importConfig(context, source, options, sink);
  require(succeeded(module) != sink.hasErrors(),
          "failure if and only if there are errors");

  for (const frontend::Diagnostic &diagnostic : sink.all()) {
    require(!diagnostic.message.empty(), "an error says what is wrong");
    require(diagnostic.message.find('\n') == std::string::npos,
            "a cause is one line");
    require(diagnostic.caret <= diagnostic.excerpt.size(),
            "the caret is under the excerpt");
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  sink.print(os);
  return 0;
}
