//===- PageAllocator.h - Free pages of the KV cache -----------------------===//
#ifndef TILEWRIGHT_RUNTIME_SESSION_PAGEALLOCATOR_H
#define TILEWRIGHT_RUNTIME_SESSION_PAGEALLOCATOR_H

#include <cstdint>
#include <vector>

namespace tilewright::runtime {

/// Hands out the pages [first, end), the one freed last first: what was used
/// just now may still be in the GPU's cache.
class PageAllocator {
public:
  PageAllocator(int64_t first, int64_t end) {
    free.reserve(size_t(end - first));
    for (int64_t page = end; page-- > first;)
      free.push_back(int32_t(page));
  }

  int64_t numFree() const { return int64_t(free.size()); }

  /// Precondition: `numFree() > 0`.
  int32_t allocate() {
    int32_t page = free.back();
    free.pop_back();
    return page;
  }

  void release(int32_t page) { free.push_back(page); }

private:
  std::vector<int32_t> free;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SESSION_PAGEALLOCATOR_H
