//===- ChildProcess.h - Runs a program and waits for it -------------------===//
#ifndef TILEWRIGHT_TOOLS_TILEWRIGHT_CHILDPROCESS_H
#define TILEWRIGHT_TOOLS_TILEWRIGHT_CHILDPROCESS_H

#include <map>
#include <string>
#include <vector>

namespace tilewright {

/// Codes that shells give to programs that did not come to run.
inline constexpr int kNotExecutable = 126, kNotFound = 127;

/// Runs `command`, found along PATH, with `variables` on top of this
/// environment and this process's files. Gives its exit code, 128 and the
/// signal that ended it, or the two codes above with a message on stderr.
int runChild(const std::vector<std::string> &command,
             const std::map<std::string, std::string> &variables);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_TILEWRIGHT_CHILDPROCESS_H
