//===- Handles.h - What the C API's handles point to ----------------------===//
#ifndef TILEWRIGHT_RUNTIME_API_HANDLES_H
#define TILEWRIGHT_RUNTIME_API_HANDLES_H

#include "runtime/session/Generate.h"
#include "runtime/support/Result.h"
#include "runtime/tilewright.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>

// Shared ownership is what lets the caller destroy in any order.
struct tilewright_device {
  tilewright::runtime::DevicePtr device;
};
struct tilewright_bundle {
  std::shared_ptr<const tilewright::runtime::Bundle> bundle;
};
struct tilewright_model {
  std::shared_ptr<const tilewright::runtime::Model> model;
};
struct tilewright_session {
  std::shared_ptr<tilewright::runtime::Session> session;
};
struct tilewright_sequence {
  std::shared_ptr<tilewright::runtime::Session> session;
  tilewright::runtime::Sequence sequence;
};
struct tilewright_generation {
  tilewright::runtime::Generation generation;
};

namespace tilewright::runtime::api {

/// Keeps the message for `tilewright_last_error`.
tilewright_status fail(const Error &error);
tilewright_status fail(tilewright_status status, const char *message);

/// Runs the body of an API function: no exception leaves the library.
template <typename Body>
tilewright_status guarded(const Body &body) {
  try {
    Result<void> result = body();
    return result ? TILEWRIGHT_OK : fail(result.error());
  } catch (const std::bad_alloc &) {
    return fail(TILEWRIGHT_OUT_OF_MEMORY, "out of host memory");
  } catch (const std::exception &problem) {
    return fail(TILEWRIGHT_INTERNAL, problem.what());
  }
}

inline Error invalidArgument(const std::string &message) {
  return Error(TILEWRIGHT_INVALID_ARGUMENT, message);
}

/// Fails with the name of an argument that must not be null, but is.
#define TILEWRIGHT_CHECK_NOT_NULL(argument)                                    \
  do {                                                                         \
    if (!(argument))                                                           \
      return ::tilewright::runtime::api::invalidArgument(#argument             \
                                                         " must not be NULL"); \
  } while (false)

/// Reads a caller's struct, which may be of an older, shorter version: fields
/// that it lacks keep the values of `defaults`.
template <typename T>
Result<T> readSized(const T *given, T defaults, const char *name) {
  if (!given)
    return defaults;
  if (given->struct_size < sizeof(size_t))
    return invalidArgument(std::string(name) + "->struct_size is not set");
  std::memcpy(static_cast<void *>(&defaults), given,
              std::min(given->struct_size, sizeof(T)));
  return defaults;
}

/// Writes as much of `value` as the caller's struct has room for.
template <typename T>
Result<void> writeSized(T value, T *out) {
  TILEWRIGHT_CHECK_NOT_NULL(out);
  if (out->struct_size < sizeof(size_t))
    return invalidArgument("out_info->struct_size is not set");
  value.struct_size = out->struct_size;
  std::memcpy(static_cast<void *>(out), &value,
              std::min(out->struct_size, sizeof(T)));
  return success();
}

} // namespace tilewright::runtime::api

#endif // TILEWRIGHT_RUNTIME_API_HANDLES_H
