//===- Report.h - Findings as text for people and as JSON -----------------===//
#ifndef TILEWRIGHT_SIM_CHECK_REPORT_H
#define TILEWRIGHT_SIM_CHECK_REPORT_H

#include "sim/check/Finding.h"

#include <string>
#include <vector>

namespace tilewright::sim::check {

/// Several lines, like a compiler's: both lines of PTX with a caret, who was
/// there, the object, and the sentence.
std::string renderText(const Record &record);

/// "2 errors and 1 formal finding"; the last line of a report.
std::string renderSummary(const std::vector<Record> &records, uint64_t dropped);

/// {"schema_version":1,"findings":[...]}; its fields are in docs/simulator.md.
std::string renderJson(const std::vector<Record> &records);

/// Writes beside `path` and renames, so that nobody reads half a file; what is
/// no ordinary file is written to. False and `error` when that fails.
bool writeFile(const std::string &path, const std::string &text,
               std::string &error);

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_REPORT_H
