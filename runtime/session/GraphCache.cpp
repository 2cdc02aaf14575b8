//===- GraphCache.cpp - Captured steps ------------------------------------===//

#include "runtime/session/GraphCache.h"

namespace tilewright::runtime {

// A server at work sees a few dozen batch sizes; a graph takes some hundred KB.
static constexpr size_t maxGraphs = 256;

Result<int64_t> GraphCache::run(const Key &key, const Stream &stream,
                                const Body &body) {
  const Driver &driver = device->driver();
  auto known = graphs.find(key);
  if (known != graphs.end()) {
    TILEWRIGHT_TRY(
        driver.check(driver.graphLaunch(known->second.exec, stream.handle()),
                     TILEWRIGHT_LAUNCH_FAILED, "cuGraphLaunch"));
    return known->second.launches;
  }
  // Capturing costs more than a step: sizes that come up only once are not
  // worth it.
  if (seen.insert(key).second)
    return body();
  return capture(key, stream, body);
}

Result<int64_t> GraphCache::capture(const Key &key, const Stream &stream,
                                    const Body &body) {
  const Driver &driver = device->driver();
  auto check = [&](int code, const char *what) {
    return driver.check(code, TILEWRIGHT_LAUNCH_FAILED, what);
  };
  if (graphs.size() >= maxGraphs)
    clear();
  TILEWRIGHT_TRY(
      check(driver.streamBeginCapture(stream.handle(), abi::captureThreadLocal),
            "cuStreamBeginCapture"));
  Result<int64_t> launches = body();
  abi::Graph graph = nullptr;
  Result<void> ended = check(driver.streamEndCapture(stream.handle(), &graph),
                             "cuStreamEndCapture");
  if (!launches || !ended) {
    if (graph)
      driver.graphDestroy(graph);
    return launches ? ended.takeError() : launches.takeError();
  }
  abi::GraphExec exec = nullptr;
  Result<void> made =
      check(driver.graphInstantiate(&exec, graph, 0), "cuGraphInstantiate");
  driver.graphDestroy(graph);
  TILEWRIGHT_TRY(std::move(made));
  graphs.emplace(key, Graph{exec, *launches});
  ++captured;
  TILEWRIGHT_TRY(
      check(driver.graphLaunch(exec, stream.handle()), "cuGraphLaunch"));
  return launches;
}

void GraphCache::clear() {
  for (auto &[key, graph] : graphs)
    device->driver().graphExecDestroy(graph.exec);
  graphs.clear();
  seen.clear();
}

} // namespace tilewright::runtime
