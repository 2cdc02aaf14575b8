//===- Report.h - Disagreements as text and JSON ----------------*- C++ -*-===//
#ifndef TILEWRIGHT_SIM_SCHEDULE_REPORT_H
#define TILEWRIGHT_SIM_SCHEDULE_REPORT_H

#include "sim/schedule/Session.h"

namespace tilewright::sim::schedule {

/// Several lines for people.
std::string renderText(const Record &record, uint32_t schedules);
std::string renderSummary(const std::vector<Record> &records,
                          uint32_t schedules);
/// The whole document.
std::string renderJson(const std::vector<Record> &records, uint32_t schedules);

} // namespace tilewright::sim::schedule

#endif // TILEWRIGHT_SIM_SCHEDULE_REPORT_H
