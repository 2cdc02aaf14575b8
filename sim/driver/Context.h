//===- Context.h - A context: memory, modules, streams, and its health ----===//
#ifndef TILEWRIGHT_SIM_DRIVER_CONTEXT_H
#define TILEWRIGHT_SIM_DRIVER_CONTEXT_H

#include "sim/driver/Device.h"
#include "sim/driver/Stream.h"

#include <map>
#include <set>
#include <thread>

namespace tilewright::sim::driver {

/// Memory for the variables of a context's modules. It outlives the context
/// when a queued launch still holds a module, and then does nothing.
class ContextAllocator : public GlobalAllocator {
public:
  ContextAllocator(Arena &arena, const void *owner)
      : arena(arena), owner(owner) {}
  uint64_t allocate(uint64_t size, uint64_t align) override;
  void release(uint64_t address) override;
  void retire() { retired = true; }

private:
  Arena &arena;
  const void *owner;
  std::atomic<bool> retired{false};
};

class Context : public std::enable_shared_from_this<Context> {
public:
  Context(Device &device, unsigned flags, bool isPrimary);

  /// The first fault of a kernel; every later call in the context returns it.
  CUresult error() const { return stickyError.load(std::memory_order_acquire); }
  /// Records a fault and prints `message`, once.
  void fail(CUresult error, const std::string &message);

  /// The stream that the default handle means on this thread.
  std::shared_ptr<Stream> perThreadStream();

  Device &device;
  const bool isPrimary;
  const uint64_t id;
  std::atomic<unsigned> flags;
  const std::shared_ptr<ContextAllocator> allocator;
  const std::shared_ptr<Stream> legacyStream;

  std::mutex mutex; ///< guards what follows
  std::map<int, size_t> limits;
  CUfunc_cache cacheConfig = CU_FUNC_CACHE_PREFER_NONE;
  CUsharedconfig sharedConfig = CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;
  std::set<const Context *> peers;
  std::map<std::thread::id, std::shared_ptr<Stream>> perThread;

  /// Every stream of the context; guarded by the driver's stream mutex.
  std::vector<std::weak_ptr<Stream>> streams;
  /// Destroyed streams whose work goes on; guarded by the same mutex.
  std::vector<std::shared_ptr<Stream>> orphans;

private:
  std::atomic<CUresult> stickyError{CUDA_SUCCESS};
};

/// Waits for all work of the context; its sticky error, if any.
CUresult synchronizeContext(Context &context);

/// Waits for its work, then frees its memory and invalidates its handles.
void destroyContext(const std::shared_ptr<Context> &context);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_CONTEXT_H
