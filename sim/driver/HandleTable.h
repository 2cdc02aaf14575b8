//===- HandleTable.h - Live objects behind opaque handles -----------------===//
// A handle is the address of its object, but is dereferenced only after it was
// found here: a stale or foreign handle is an error code, never a crash. Work
// that is still queued keeps an object alive after its handle was destroyed.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_HANDLETABLE_H
#define TILEWRIGHT_SIM_DRIVER_HANDLETABLE_H

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace tilewright::sim::driver {

template <typename T>
class HandleTable {
public:
  void insert(std::shared_ptr<T> object) {
    std::unique_lock<std::shared_mutex> lock(mutex);
    const void *key = object.get();
    live.emplace(key, std::move(object));
  }

  std::shared_ptr<T> find(const void *handle) const {
    std::shared_lock<std::shared_mutex> lock(mutex);
    auto it = live.find(handle);
    return it == live.end() ? nullptr : it->second;
  }

  /// Removes the handle; the result is null when it was not live.
  std::shared_ptr<T> take(const void *handle) {
    std::unique_lock<std::shared_mutex> lock(mutex);
    auto it = live.find(handle);
    if (it == live.end())
      return nullptr;
    std::shared_ptr<T> object = std::move(it->second);
    live.erase(it);
    return object;
  }

  /// Removes and returns every object for which `predicate` holds.
  template <typename Predicate>
  std::vector<std::shared_ptr<T>> takeIf(const Predicate &predicate) {
    std::vector<std::shared_ptr<T>> taken;
    std::unique_lock<std::shared_mutex> lock(mutex);
    for (auto it = live.begin(); it != live.end();) {
      auto entry = it++;
      if (!predicate(*entry->second))
        continue;
      taken.push_back(std::move(entry->second));
      live.erase(entry);
    }
    return taken;
  }

private:
  mutable std::shared_mutex mutex;
  std::unordered_map<const void *, std::shared_ptr<T>> live;
};

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_HANDLETABLE_H
