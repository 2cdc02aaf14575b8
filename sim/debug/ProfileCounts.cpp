//===- ProfileCounts.cpp - The names of the counters ----------------------===//

#include "sim/debug/ProfileCounts.h"

namespace tilewright::sim::debug {

static constexpr Counter table[] = {
    {"execution", "issues", &Counts::issues},
    {"execution", "threads", &Counts::threads},
    {"execution", "off_issues", &Counts::offIssues},
    {"execution", "off_lanes", &Counts::offLanes},
    {"execution", "split_issues", &Counts::splitIssues},
    {"execution", "divergent", &Counts::divergent},
    {"execution", "waits", &Counts::waits},
    {"execution", "wait_steps", &Counts::waitSteps},
    {"shared", "requests", &Counts::sharedRequests},
    {"shared", "bytes", &Counts::sharedBytes},
    {"shared", "wavefronts", &Counts::wavefronts},
    {"shared", "ideal_wavefronts", &Counts::idealWavefronts},
    {"shared", "remote_requests", &Counts::remoteRequests},
    {"shared", "remote_bytes", &Counts::remoteBytes},
    {"global", "requests", &Counts::globalRequests},
    {"global", "read_bytes", &Counts::globalReadBytes},
    {"global", "write_bytes", &Counts::globalWriteBytes},
    {"global", "needed_bytes", &Counts::globalNeededBytes},
    {"global", "sectors", &Counts::sectors},
    {"global", "ideal_sectors", &Counts::idealSectors},
    {"global", "lines", &Counts::lines},
    {"unique", "read_sectors", &Counts::uniqueReadSectors},
    {"unique", "write_sectors", &Counts::uniqueWriteSectors},
    {"unique", "lines", &Counts::uniqueLines},
    {"local", "requests", &Counts::localRequests},
    {"local", "bytes", &Counts::localBytes},
    {"constant", "requests", &Counts::constantRequests},
    {"constant", "bytes", &Counts::constantBytes},
    {"atomics", "requests", &Counts::atomicRequests},
    {"atomics", "lanes", &Counts::atomicLanes},
    {"atomics", "serial", &Counts::atomicSerial},
    {"copies", "operations", &Counts::copies},
    {"copies", "global_read_bytes", &Counts::copyReadBytes},
    {"copies", "global_write_bytes", &Counts::copyWriteBytes},
    {"copies", "global_sectors", &Counts::copySectors},
    {"copies", "from_shared_bytes", &Counts::copyFromShared},
    {"copies", "to_shared_bytes", &Counts::copyToShared},
    {"products", "operations", &Counts::products},
    {"products", "flops", &Counts::productFlops},
    {"products", "shared_bytes", &Counts::productSharedBytes},
};

std::span<const Counter> counters() { return table; }

Counts &operator+=(Counts &into, const Counts &other) {
  for (const Counter &counter : table)
    into.*counter.field += other.*counter.field;
  return into;
}

} // namespace tilewright::sim::debug
