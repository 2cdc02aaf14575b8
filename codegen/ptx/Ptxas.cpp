//===- Ptxas.cpp - Assembling PTX and reading ptxas's report --------------===//

#include "codegen/ptx/Ptxas.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

using namespace llvm;

namespace tilewright {

namespace {
/// A release of ptxas that assembles some valid PTX into wrong code.
struct KnownDefect {
  StringLiteral version;
  StringLiteral what;
};
} // namespace

static constexpr KnownDefect kKnownDefects[] = {
    {"12.8.93", "it miscompiles wgmma kernels"},
    {"13.0.88", "it miscompiles wgmma kernels"},
};

StringRef findKnownDefect(StringRef version) {
  for (const KnownDefect &defect : kKnownDefects)
    if (version == defect.version)
      return defect.what;
  return "";
}

const PtxasReport *PtxasResult::find(StringRef kernel) const {
  auto it = find_if(kernels, [&](const PtxasReport &report) {
    return report.kernel == kernel;
  });
  return it == kernels.end() ? nullptr : &*it;
}

//===----------------------------------------------------------------------===//
// Reading the report
//===----------------------------------------------------------------------===//

/// The number before `unit` in `line`, as in "0 bytes spill stores".
static uint64_t numberBefore(StringRef line, StringRef unit) {
  size_t end = line.find(unit);
  if (end == StringRef::npos)
    return 0;
  StringRef head = line.take_front(end).rtrim();
  uint64_t value = 0;
  head.take_back(head.size() - head.find_last_not_of("0123456789") - 1)
      .getAsInteger(10, value);
  return value;
}

static bool isAdvisory(StringRef line) {
  static const Regex coded("^ptxas info +: \\(C[0-9]+\\)");
  return line.starts_with("ptxas warning") || coded.match(line) ||
         line.contains("Potential Performance Loss");
}

PtxasResult parsePtxasOutput(StringRef text) {
  PtxasResult result;
  SmallVector<StringRef> lines;
  text.split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines) {
    if (isAdvisory(line)) {
      result.advisories.push_back(line.str());
      continue;
    }
    if (line.contains("Compiling entry function")) {
      result.kernels.emplace_back();
      result.kernels.back().kernel = line.split('\'').second.split('\'').first;
      continue;
    }
    if (result.kernels.empty())
      continue;
    PtxasReport &report = result.kernels.back();
    if (line.contains("bytes stack frame")) {
      report.stackBytes = numberBefore(line, " bytes stack frame");
      report.spillBytes = numberBefore(line, " bytes spill stores") +
                          numberBefore(line, " bytes spill loads");
    } else if (line.contains("Used ")) {
      report.registers = numberBefore(line, " registers");
      report.barriers = numberBefore(line, " barriers");
      report.sharedBytes = numberBefore(line, " bytes smem");
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Running it
//===----------------------------------------------------------------------===//

char PtxasRejection::ID;

std::string PtxasRejection::getCommand(StringRef file) const {
  return path + " " + flags + " " + file.str() + " -o /dev/null";
}

void PtxasRejection::log(raw_ostream &os) const {
  os << "ptxas " << version << " rejects the PTX:\n"
     << StringRef(output).rtrim();
}

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

/// A full disk is found when the last bytes are written; a stream that is
/// destroyed with such an error unseen ends the program.
static std::error_code writeFile(StringRef path, StringRef text) {
  std::error_code code;
  raw_fd_ostream file(path, code);
  if (code)
    return code;
  file << text;
  file.close();
  code = file.error();
  file.clear_error();
  return code;
}

/// Runs `path`, both output streams going to the returned text.
static Expected<std::pair<int, std::string>>
runProgram(StringRef path, ArrayRef<StringRef> arguments) {
  SmallString<128> log;
  if (std::error_code code =
          sys::fs::createTemporaryFile("tilewright-ptxas", "log", log))
    return makeError("cannot create a temporary file: " + code.message());
  auto removeLog = scope_exit([&] { (void)sys::fs::remove(log); });

  SmallVector<StringRef> command{path};
  append_range(command, arguments);
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(log),
                                          StringRef(log)};
  std::string message;
  int status = sys::ExecuteAndWait(path, command, std::nullopt, redirects, 0, 0,
                                   &message);
  if (status < 0)
    return makeError("cannot run '" + path + "': " + message);
  auto text = MemoryBuffer::getFile(log);
  if (!text)
    return makeError("cannot read '" + log + "': " + text.getError().message());
  return std::pair(status, (*text)->getBuffer().str());
}

static Expected<std::string> queryVersion(StringRef path) {
  auto output = runProgram(path, {"--version"});
  if (!output)
    return output.takeError();
  static const Regex pattern("V([0-9]+\\.[0-9]+\\.[0-9]+)");
  SmallVector<StringRef, 2> matches;
  if (output->first != 0 || !pattern.match(output->second, &matches))
    return makeError("'" + path + "' does not answer --version like ptxas");
  return matches[1].str();
}

/// The ptxas of the virtual environment in a build tree whose programs are in
/// `<build>/bin`.
static std::string findInBuildTree(StringRef program) {
  SmallString<256> base(sys::fs::getMainExecutable(
      program.str().c_str(), reinterpret_cast<void *>(&findInBuildTree)));
  for (int level = 0; level < 3 && !base.empty(); ++level) {
    sys::path::remove_filename(base);
    SmallString<256> library(base);
    sys::path::append(library, "venv", "lib");
    std::error_code code;
    std::vector<std::string> pythons;
    for (sys::fs::directory_iterator it(library, code), end; !code && it != end;
         it.increment(code))
      pythons.push_back(it->path());
    llvm::sort(pythons);
    for (StringRef python : reverse(pythons)) {
      SmallString<256> candidate(python);
      sys::path::append(candidate, "site-packages", "nvidia", "cu13", "bin");
      sys::path::append(candidate, "ptxas");
      if (sys::fs::can_execute(candidate))
        return candidate.str().str();
    }
  }
  return "";
}

Expected<Ptxas> Ptxas::find(StringRef path, StringRef program) {
  Ptxas result;
  result.path = path.str();
  if (result.path.empty())
    result.path = sys::Process::GetEnv("TILEWRIGHT_PTXAS").value_or("");
  if (result.path.empty())
    result.path = findInBuildTree(program);
  if (result.path.empty())
    if (ErrorOr<std::string> found = sys::findProgramByName("ptxas"))
      result.path = *found;
  if (result.path.empty())
    return makeError("ptxas not found: pass --ptxas, set TILEWRIGHT_PTXAS, or "
                     "run scripts/setup");
  if (!sys::fs::can_execute(result.path))
    return makeError("'" + result.path + "' is not an executable ptxas");
  Expected<std::string> version = queryVersion(result.path);
  if (!version)
    return version.takeError();
  result.version = *version;
  return result;
}

/// Judges `result` by what the caller does not accept.
static Error checkResult(const PtxasResult &result,
                         const PtxasOptions &options) {
  if (options.rejectSpills)
    for (const PtxasReport &report : result.kernels)
      if (report.spillBytes != 0)
        return makeError("kernel '" + report.kernel + "' spills " +
                         Twine(report.spillBytes) + " bytes of registers (" +
                         Twine(report.registers) + " registers in use)");
  if (options.rejectAdvisories && !result.advisories.empty())
    return makeError("ptxas advises: " + join(result.advisories, "; "));
  return Error::success();
}

Expected<PtxasResult> Ptxas::assemble(StringRef ptx, StringRef chip,
                                      const PtxasOptions &options) const {
  StringRef defect = findKnownDefect(version);
  if (!defect.empty() && !options.force)
    return makeError("ptxas " + version + " is refused: " + defect + " (" +
                     path + "); force it to use it nevertheless");

  SmallString<128> input, output;
  if (std::error_code code =
          sys::fs::createUniqueDirectory("tilewright-ptxas", input))
    return makeError("cannot create a temporary folder: " + code.message());
  std::string folder = input.str().str();
  auto removeFolder =
      scope_exit([&] { (void)sys::fs::remove_directories(folder); });
  output = input;
  sys::path::append(input, "kernel.ptx");
  sys::path::append(output, "kernel.cubin");
  if (std::error_code code = writeFile(input, ptx))
    return makeError("cannot write '" + input + "': " + code.message());

  std::string arch = ("-arch=" + chip).str();
  std::string level = "-O" + std::to_string(options.optLevel);
  auto run = runProgram(path, {"-v", arch, level, input, "-o", output});
  if (!run)
    return run.takeError();
  if (run->first != 0)
    return make_error<PtxasRejection>(path, version, "-v " + arch + " " + level,
                                      run->second);
  PtxasResult result = parsePtxasOutput(run->second);
  auto cubin = MemoryBuffer::getFile(output);
  if (!cubin)
    return makeError("cannot read ptxas's output: " +
                     cubin.getError().message());
  result.cubin = (*cubin)->getBuffer().str();
  if (Error error = checkResult(result, options))
    return std::move(error);
  return result;
}

std::vector<Expected<PtxasResult>>
Ptxas::assembleAll(ArrayRef<StringRef> modules, StringRef chip,
                   const PtxasOptions &options, unsigned threads) const {
  std::vector<std::optional<Expected<PtxasResult>>> results(modules.size());
  {
    DefaultThreadPool pool(hardware_concurrency(threads));
    for (size_t i = 0; i < modules.size(); ++i)
      pool.async(
          [&, i] { results[i].emplace(assemble(modules[i], chip, options)); });
    pool.wait();
  }
  std::vector<Expected<PtxasResult>> ordered;
  for (std::optional<Expected<PtxasResult>> &result : results)
    ordered.push_back(std::move(*result));
  return ordered;
}

} // namespace tilewright
