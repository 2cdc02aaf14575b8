//===- Parallel.h - A loop on several threads -----------------------------===//
#ifndef TILEWRIGHT_RUNTIME_SUPPORT_PARALLEL_H
#define TILEWRIGHT_RUNTIME_SUPPORT_PARALLEL_H

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace tilewright::runtime {

/// Calls `body(begin, end)` for `numThreads` nearly equal parts of [0, count),
/// one of them on this thread. The parts are to be worth a thread's start,
/// about 20 us. Where the system gives no further thread, this one does it all.
template <typename Body>
void parallelFor(int64_t count, unsigned numThreads, const Body &body) {
  int64_t parts = std::clamp<int64_t>(count, 1, numThreads);
  int64_t first = count / parts;
  std::vector<std::thread> threads;
  for (int64_t part = 1; part < parts; ++part) {
    int64_t begin = count * part / parts, end = count * (part + 1) / parts;
    try {
      threads.emplace_back([&body, begin, end] { body(begin, end); });
    } catch (const std::system_error &) {
      body(begin, end);
    }
  }
  body(int64_t(0), first);
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SUPPORT_PARALLEL_H
