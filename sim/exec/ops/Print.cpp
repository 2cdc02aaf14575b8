//===- Print.cpp - vprintf, __assertfail and free as device calls ---------===//

#include "sim/exec/Memory.h"
#include "sim/exec/ops/Control.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

namespace tilewright::sim {

/// Reads the bytes at a generic address of one lane; null where there are none.
static const std::byte *readable(const Inst &inst, Warp &warp, int lane,
                                 uint64_t address, uint64_t bytes) {
  const char *error = nullptr;
  return hostPointer(inst, warp, lane, ptx::Space::None, address, bytes, error);
}

/// A zero-terminated string, cut at a length no message needs.
static std::string readString(const Inst &inst, Warp &warp, int lane,
                              uint64_t address) {
  static constexpr size_t longest = 4096;
  std::string text;
  while (text.size() < longest) {
    const std::byte *byte =
        readable(inst, warp, lane, address + text.size(), 1);
    if (!byte || *byte == std::byte(0))
      break;
    text += static_cast<char>(*byte);
  }
  return text;
}

/// An argument of the call, from the lane's local memory.
static uint64_t argument(const Inst &inst, Warp &warp, int lane, size_t index) {
  const auto &info = *static_cast<const CallInfo *>(inst.aux);
  if (index >= info.params.size())
    return 0;
  uint64_t value = 0;
  std::memcpy(&value,
              warp.localMemory(static_cast<uint32_t>(lane)) +
                  warp.frame().localBase + info.params[index].offset,
              std::min<size_t>(info.params[index].size, sizeof value));
  return value;
}

namespace {
/// The packed arguments of a vprintf call: 4-byte ones aligned to 4, 8-byte
/// ones to 8.
class ArgumentReader {
public:
  ArgumentReader(const Inst &inst, Warp &warp, int lane, uint64_t address)
      : inst(inst), warp(warp), lane(lane), address(address) {}
  uint64_t next(uint32_t bytes) {
    offset = (offset + bytes - 1) & ~uint64_t(bytes - 1);
    const std::byte *from = readable(inst, warp, lane, address + offset, bytes);
    offset += bytes;
    uint64_t value = 0;
    if (from)
      std::memcpy(&value, from, bytes);
    return value;
  }

private:
  const Inst &inst;
  Warp &warp;
  int lane;
  uint64_t address;
  uint64_t offset = 0;
};
} // namespace

/// One conversion specification, formatted by the host's printf.
static void formatOne(const Inst &inst, Warp &warp, int lane, std::string spec,
                      bool wide, ArgumentReader &arguments, std::string &out) {
  char buffer[512];
  char kind = spec.back();
  int length = 0;
  switch (kind) {
  case 'd':
  case 'i': {
    int64_t value = wide ? static_cast<int64_t>(arguments.next(8))
                         : static_cast<int32_t>(arguments.next(4));
    spec.insert(spec.size() - 1, "ll");
    length = std::snprintf(buffer, sizeof buffer, spec.c_str(),
                           static_cast<long long>(value));
    break;
  }
  case 'u':
  case 'x':
  case 'X':
  case 'o': {
    uint64_t value = arguments.next(wide ? 8 : 4);
    spec.insert(spec.size() - 1, "ll");
    length = std::snprintf(buffer, sizeof buffer, spec.c_str(),
                           static_cast<unsigned long long>(value));
    break;
  }
  case 'c':
    length = std::snprintf(buffer, sizeof buffer, spec.c_str(),
                           static_cast<int>(arguments.next(4)));
    break;
  case 'p':
    length = std::snprintf(buffer, sizeof buffer, "0x%llx",
                           static_cast<unsigned long long>(arguments.next(8)));
    break;
  case 's': {
    std::string text = readString(inst, warp, lane, arguments.next(8));
    out += text;
    return;
  }
  default:
    length = std::snprintf(buffer, sizeof buffer, spec.c_str(),
                           std::bit_cast<double>(arguments.next(8)));
    break;
  }
  if (length > 0)
    out.append(buffer, std::min<size_t>(static_cast<size_t>(length),
                                        sizeof buffer - 1));
}

static std::string format(const Inst &inst, Warp &warp, int lane,
                          const std::string &text, ArgumentReader arguments) {
  static constexpr std::string_view flags = "-+ #0123456789.";
  static constexpr std::string_view kinds = "diuxXocpsfFeEgGaA";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    if (text[i + 1] == '%') {
      out += '%';
      ++i;
      continue;
    }
    std::string spec = "%";
    size_t at = i + 1;
    while (
        at < text.size() &&
        (flags.find(text[at]) != std::string_view::npos || text[at] == '*')) {
      if (text[at] == '*')
        spec += std::to_string(static_cast<int32_t>(arguments.next(4)));
      else
        spec += text[at];
      ++at;
    }
    bool wide = false;
    while (at < text.size() && std::strchr("lhzjt", text[at])) {
      wide |= text[at] != 'h';
      ++at;
    }
    if (at >= text.size() || kinds.find(text[at]) == std::string_view::npos ||
        spec.size() > 32) {
      out += text[i];
      continue;
    }
    spec += text[at];
    formatOne(inst, warp, lane, spec, wide, arguments, out);
    i = at;
  }
  return out;
}

/// int vprintf(const char *format, void *arguments)
Status runPrintf(const Inst &inst, Warp &warp) {
  const auto &info = *static_cast<const CallInfo *>(inst.aux);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    std::string text =
        readString(inst, warp, lane, argument(inst, warp, lane, 0));
    std::string out =
        format(inst, warp, lane, text,
               ArgumentReader(inst, warp, lane, argument(inst, warp, lane, 1)));
    {
      std::lock_guard<std::mutex> lock(warp.launch->mutex);
      if (warp.launch->launch->print)
        warp.launch->launch->print(out);
      else
        std::fwrite(out.data(), 1, out.size(), stdout);
    }
    int32_t written = static_cast<int32_t>(out.size());
    if (!info.returns.empty())
      std::memcpy(warp.localMemory(static_cast<uint32_t>(lane)) +
                      warp.frame().localBase + info.returns[0].offset,
                  &written, sizeof written);
  }
  return Status::Next;
}

/// void __assertfail(message, file, unsigned line, function, size_t charSize)
Status runAssertFail(const Inst &inst, Warp &warp) {
  int lane = std::countr_zero(warp.mask);
  std::string text =
      readString(inst, warp, lane, argument(inst, warp, lane, 1)) + ":" +
      std::to_string(static_cast<uint32_t>(argument(inst, warp, lane, 2))) +
      ": " + readString(inst, warp, lane, argument(inst, warp, lane, 3)) +
      ": assertion `" +
      readString(inst, warp, lane, argument(inst, warp, lane, 0)) + "` failed";
  return warp.fault(inst, static_cast<uint32_t>(lane), ErrorKind::Assert, text);
}

/// void free(pointer). nvcc calls it in the destructor of every class with a
/// virtual one, so it has to load; without a heap null is all there is to free.
Status runFree(const Inst &inst, Warp &warp) {
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    if (argument(inst, warp, lane, 0))
      return warp.fault(inst, static_cast<uint32_t>(lane),
                        ErrorKind::IllegalAddress,
                        "free of memory that no malloc of the device returned");
  }
  return Status::Next;
}

} // namespace tilewright::sim
