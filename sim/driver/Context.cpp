//===- Context.cpp - A context's health and end ---------------------------===//

#include "sim/driver/Context.h"

#include "sim/driver/Driver.h"

namespace tilewright::sim::driver {

uint64_t ContextAllocator::allocate(uint64_t size, uint64_t align) {
  if (retired)
    return 0;
  return arena.allocate(size, align, owner,
                        makeTag(MemoryKind::ModuleVariable, 0));
}

void ContextAllocator::release(uint64_t address) {
  if (!retired)
    arena.release(address);
}

Context::Context(Device &device, unsigned flags, bool isPrimary)
    : device(device), isPrimary(isPrimary), id(nextObjectId()), flags(flags),
      allocator(std::make_shared<ContextAllocator>(device.arena, this)),
      legacyStream(std::make_shared<Stream>(*this, CU_STREAM_DEFAULT, 0)) {}

void Context::fail(CUresult error, const std::string &message) {
  CUresult expected = CUDA_SUCCESS;
  if (stickyError.compare_exchange_strong(expected, error))
    printMessage(message);
}

std::shared_ptr<Stream> Context::perThreadStream() {
  std::shared_ptr<Stream> created;
  {
    std::lock_guard<std::mutex> lock(mutex);
    std::shared_ptr<Stream> &stream = perThread[std::this_thread::get_id()];
    if (stream)
      return stream;
    if (Checks *checks = Driver::instance().checks.get())
      checks->watchOrder();
    created = stream = std::make_shared<Stream>(*this, CU_STREAM_DEFAULT, 0);
  }
  std::lock_guard<std::mutex> lock(Driver::instance().streamMutex);
  streams.push_back(created);
  return created;
}

CUresult synchronizeContext(Context &context) {
  Driver &driver = Driver::instance();
  std::vector<TaskHandle> newest;
  {
    std::lock_guard<std::mutex> lock(driver.streamMutex);
    newest.push_back(context.legacyStream->last);
    for (const std::weak_ptr<Stream> &weak : context.streams)
      if (std::shared_ptr<Stream> stream = weak.lock())
        newest.push_back(stream->last);
  }
  for (const TaskHandle &task : newest)
    driver.scheduler.wait(task);
  std::vector<std::shared_ptr<Stream>> finished;
  std::lock_guard<std::mutex> lock(driver.streamMutex);
  std::erase_if(context.orphans, [&](std::shared_ptr<Stream> &stream) {
    if (!driver.scheduler.isDone(stream->last))
      return false;
    finished.push_back(std::move(stream));
    return true;
  });
  return context.error();
}

void destroyContext(const std::shared_ptr<Context> &context) {
  Driver &driver = Driver::instance();
  synchronizeContext(*context);
  auto isMine = [&](const auto &object) {
    return object.context.get() == context.get();
  };
  auto isMineWeakly = [&](const auto &object) {
    return object.context.lock() == context;
  };
  driver.functions.takeIf(isMine);
  std::vector<std::shared_ptr<ModuleObject>> modules =
      driver.modules.takeIf(isMine);
  for (const std::shared_ptr<ModuleObject> &module : modules) {
    std::lock_guard<std::mutex> lock(module->mutex);
    module->functions.clear();
  }
  driver.streams.takeIf(isMineWeakly);
  driver.events.takeIf(isMineWeakly);
  driver.graphExecs.takeIf(isMine);
  context->allocator->retire();
  context->device.arena.releaseAll(context.get());
  driver.hostArena->releaseAll(context.get());
}

} // namespace tilewright::sim::driver
