//===- PtxRun.cpp - Runs one kernel of a PTX file on the engine -----------===//
//
// sim_ptx_run FILE KERNEL GRID BLOCK CLUSTER SHARED [ARGUMENT...]
// Sizes are x,y,z. An argument is
//   buf:FILE   a buffer with the file's content, written back after the launch
//   val:HEX    the bytes of a scalar, in memory order
//   map:BUFFER:TYPE:SWIZZLE:FILL:DIMS:STRIDES:BOX:ELEMENTSTRIDES
//              a tensor map of the BUFFER-th buffer (numbers as in cuda.h)
// Exits with 1 and the engine's message on stderr when load or launch fails.
// With --check JSON before FILE, findings of the check of order go to stderr
// and to the file JSON. With --load and a FILE, it only loads the module. With
// --forms and a FILE, it loads the module once for each line between `//!
// forms` and `//! end`, with that line alone in their place, and prints number
// and message of those that are refused. --opcodes prints what the decoder has
// registered.
//
//===----------------------------------------------------------------------===//

#include "sim/async/TensorMap.h"
#include "sim/check/OrderCheck.h"
#include "sim/check/Session.h"
#include "sim/exec/decode/Decoder.h"
#include "tests/sim/exec/TestDevice.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

using namespace tilewright::sim;

static std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

static std::vector<std::string> split(const std::string &text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);)
    parts.push_back(part);
  return parts;
}

template <typename T>
static std::vector<T> numbers(const std::string &text) {
  std::vector<T> values;
  for (const std::string &part : split(text, ','))
    values.push_back(static_cast<T>(std::stoll(part)));
  return values;
}

static Dim3 size(const std::string &text) {
  std::vector<uint32_t> n = numbers<uint32_t>(text);
  n.resize(3, 1);
  return {n[0], n[1], n[2]};
}

namespace {
struct Buffer {
  std::string file;
  uint64_t address;
  size_t size;
};

class Arguments {
public:
  explicit Arguments(TestDevice &device) : device(device) {}
  void add(const std::string &text, uint32_t align);
  void writeBack() const;
  std::vector<std::byte> bytes;

private:
  void append(const void *data, size_t size, size_t align) {
    bytes.resize((bytes.size() + align - 1) / align * align);
    size_t at = bytes.size();
    bytes.resize(at + size);
    std::memcpy(bytes.data() + at, data, size);
  }
  void addMap(const std::vector<std::string> &fields);

  TestDevice &device;
  std::vector<Buffer> buffers;
};
} // namespace

void Arguments::addMap(const std::vector<std::string> &fields) {
  TensorMapArguments map;
  std::vector<uint64_t> dims = numbers<uint64_t>(fields.at(5));
  std::vector<uint64_t> strides = numbers<uint64_t>(fields.at(6));
  std::vector<uint32_t> box = numbers<uint32_t>(fields.at(7));
  std::vector<uint32_t> elementStrides = numbers<uint32_t>(fields.at(8));
  map.globalAddress = buffers.at(std::stoul(fields.at(1))).address;
  map.dataType = static_cast<uint32_t>(std::stoul(fields.at(2)));
  map.swizzle = static_cast<uint32_t>(std::stoul(fields.at(3)));
  map.oobFill = static_cast<uint32_t>(std::stoul(fields.at(4)));
  map.rank = static_cast<uint32_t>(dims.size());
  map.globalDim = dims.data();
  map.globalStrides = strides.data();
  map.boxDim = box.data();
  map.elementStrides = elementStrides.data();
  alignas(64) uint8_t encoded[tensorMapBytes];
  if (std::string error = encodeTensorMap(map, encoded); !error.empty())
    throw std::runtime_error("tensor map: " + error);
  append(encoded, sizeof encoded, 64);
}

void Arguments::add(const std::string &text, uint32_t align) {
  std::vector<std::string> fields = split(text, ':');
  if (fields.at(0) == "buf") {
    std::string content = readFile(text.substr(4));
    std::vector<char> data(content.begin(), content.end());
    uint64_t address = device.upload(data);
    buffers.push_back({text.substr(4), address, data.size()});
    return append(&address, sizeof address, sizeof address);
  }
  if (fields[0] == "map")
    return addMap(fields);
  if (fields[0] != "val")
    throw std::runtime_error("bad argument " + text);
  std::vector<uint8_t> value;
  for (size_t i = 0; i + 1 < fields.at(1).size(); i += 2)
    value.push_back(
        static_cast<uint8_t>(std::stoul(fields[1].substr(i, 2), nullptr, 16)));
  append(value.data(), value.size(), align);
}

void Arguments::writeBack() const {
  for (const Buffer &buffer : buffers)
    std::ofstream(buffer.file, std::ios::binary)
        .write(reinterpret_cast<const char *>(buffer.address),
               static_cast<std::streamsize>(buffer.size));
}

static int fail(const Error &error) {
  std::cerr << error.message << "\n";
  return 1;
}

static int tryForms(const std::string &file) {
  std::string text = readFile(file);
  const std::string beginMark = "//! forms\n", endMark = "//! end\n";
  size_t begin = text.find(beginMark), end = text.find(endMark);
  if (begin == std::string::npos || end == std::string::npos)
    throw std::runtime_error("no forms in " + file);
  std::string head = text.substr(0, begin), tail = text.substr(end);
  begin += beginMark.size();
  std::vector<std::string> lines = split(text.substr(begin, end - begin), '\n');
  TestDevice device;
  for (size_t i = 0; i < lines.size(); ++i) {
    device.reset();
    auto module = Module::load(head + lines[i] + "\n" + tail, "forms",
                               device.config, device);
    if (!module)
      std::cout << i << "\t" << split(module.error().message, '\n')[0] << "\n";
  }
  return 0;
}

/// The check of order, for tests that look at its findings as JSON.
struct CheckedRun {
  explicit CheckedRun(const std::string &json)
      : session(*check::parseSettings("all", json, error),
                [](const std::string &text) { std::cerr << text; }),
        order(session.nextLaunch(),
              [this](check::Finding found) { session.add(std::move(found)); }) {
  }
  ~CheckedRun() { session.finish(); }
  std::string error;
  check::Session session;
  check::OrderCheck order;
};

static int runFile(std::vector<std::string> words) {
  bool onlyLoad = words.at(0) == "--load", stats = words.at(0) == "--stats";
  if (onlyLoad || stats)
    words.erase(words.begin());
  std::string json;
  if (words.at(0) == "--check") {
    json = words.at(1);
    words.erase(words.begin(), words.begin() + 2);
  }
  TestDevice device;
  auto start = std::chrono::steady_clock::now();
  auto seconds = [&start] {
    auto now = std::chrono::steady_clock::now();
    double passed = std::chrono::duration<double>(now - start).count();
    start = now;
    return passed;
  };
  std::string name = words.at(0).substr(words[0].rfind('/') + 1);
  auto module = Module::load(readFile(words[0]), name, device.config, device);
  if (!module)
    return fail(module.error());
  if (stats)
    std::cerr << "load " << seconds() << " s\n";
  if (onlyLoad)
    return 0;
  Launch launch;
  launch.kernel = words.at(1) == "-" ? (*module)->kernels().at(0)
                                     : (*module)->findKernel(words[1]);
  if (!launch.kernel)
    return fail({ErrorKind::InvalidLaunch, "no kernel '" + words[1] + "'"});
  launch.grid = size(words.at(2));
  launch.block = size(words.at(3));
  launch.cluster = size(words.at(4));
  launch.dynamicSharedBytes = static_cast<uint32_t>(std::stoul(words.at(5)));
  Arguments arguments(device);
  for (size_t i = 6; i < words.size(); ++i) {
    size_t index = i - 6;
    const auto &params = launch.kernel->params;
    arguments.add(words[i], index < params.size() ? params[index].align : 1);
  }
  launch.params = arguments.bytes;
  std::optional<CheckedRun> checked;
  if (!json.empty()) {
    checked.emplace(json);
    launch.observer = &checked->order;
  }
  seconds();
  Result<LaunchStats> result = run(launch, device.config, device.memory);
  if (!result)
    return fail(result.error());
  if (stats) {
    double time = seconds();
    std::cerr << "run " << time << " s, " << result->warpInstructions
              << " warp instructions, "
              << static_cast<double>(result->threadInstructions) / time / 1e9
              << " G thread instructions/s\n";
  }
  arguments.writeBack();
  return 0;
}

int main(int argc, char **argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || (!words[0].starts_with("--") && words.size() < 6)) {
    std::cerr << "usage: sim_ptx_run FILE KERNEL GRID BLOCK CLUSTER SHARED "
                 "[ARGUMENT...]\n";
    return 2;
  }
  try {
    if (words[0] == "--forms")
      return tryForms(words.at(1));
    if (words[0] == "--opcodes") {
      for (const auto &[opcode, decode] : opcodeTable())
        std::cout << opcode << "\n";
      return 0;
    }
    return runFile(std::move(words));
  } catch (const std::exception &error) {
    std::cerr << "sim_ptx_run: " << error.what() << "\n";
    return 2;
  }
}
