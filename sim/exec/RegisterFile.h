//===- RegisterFile.h - Rows of a warp's registers --------------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_REGISTERFILE_H
#define TILEWRIGHT_SIM_EXEC_REGISTERFILE_H

#include <cstddef>
#include <new>
#include <vector>

namespace tilewright::sim {

/// The widest vector of the host that handlers load. A row is a multiple of it,
/// so that no load of a row crosses a cache line.
inline constexpr size_t rowAlignment = 64;

template <typename T>
struct RowAllocator {
  using value_type = T;
  RowAllocator() = default;
  template <typename U>
  RowAllocator(const RowAllocator<U> &) {}
  T *allocate(size_t count) {
    return static_cast<T *>(
        ::operator new(count * sizeof(T), std::align_val_t(rowAlignment)));
  }
  void deallocate(T *at, size_t count) {
    ::operator delete(at, count * sizeof(T), std::align_val_t(rowAlignment));
  }
  bool operator==(const RowAllocator &) const = default;
};

template <typename T>
using AlignedRows = std::vector<T, RowAllocator<T>>;
using RegisterFile = AlignedRows<std::byte>;

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_REGISTERFILE_H
