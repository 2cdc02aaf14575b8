//===- AddressSpace.cpp - One mapping for everything a kernel can reach ---===//

#include "sim/memory/AddressSpace.h"

#include <sys/mman.h>
#include <unistd.h>

namespace tilewright::sim {

AddressSpace::~AddressSpace() {
  if (start)
    munmap(start, length);
}

bool AddressSpace::reserve(uint64_t size) {
  void *mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED)
    return false;
  start = static_cast<std::byte *>(mapped);
  length = size;
  // Large uploads touch fresh pages: huge ones cost a fraction of the faults.
  madvise(mapped, size, MADV_HUGEPAGE);
  // A core file of a crashed process must not try to hold a GPU's memory.
  madvise(mapped, size, MADV_DONTDUMP);
  return true;
}

void discardPages(uint64_t address, uint64_t size) {
  uint64_t page = uint64_t(sysconf(_SC_PAGESIZE));
  uint64_t begin = (address + page - 1) / page * page;
  uint64_t end = (address + size) / page * page;
  if (begin < end)
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

} // namespace tilewright::sim
