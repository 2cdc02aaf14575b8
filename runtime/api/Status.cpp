//===- Status.cpp - Versions, status codes, messages ----------------------===//

#include "runtime/api/Handles.h"

namespace tilewright::runtime::api {

static thread_local std::string lastError;

tilewright_status fail(tilewright_status status, const char *message) {
  try {
    lastError = message;
  } catch (const std::bad_alloc &) {
    lastError.clear();
  }
  return status;
}

tilewright_status fail(const Error &error) {
  return fail(error.status(), error.message().c_str());
}

} // namespace tilewright::runtime::api

using namespace tilewright::runtime;

#define TILEWRIGHT_TEXT_(x) #x
#define TILEWRIGHT_TEXT(x) TILEWRIGHT_TEXT_(x)

const char *tilewright_version(void) {
  return TILEWRIGHT_TEXT(TILEWRIGHT_VERSION_MAJOR) "." TILEWRIGHT_TEXT(
      TILEWRIGHT_VERSION_MINOR) "." TILEWRIGHT_TEXT(TILEWRIGHT_VERSION_PATCH);
}

int32_t tilewright_schema_version(void) { return newestSchema; }

const char *tilewright_status_name(tilewright_status status) {
  switch (status) {
  case TILEWRIGHT_OK:
    return "OK";
  case TILEWRIGHT_INVALID_ARGUMENT:
    return "INVALID_ARGUMENT";
  case TILEWRIGHT_UNAVAILABLE:
    return "UNAVAILABLE";
  case TILEWRIGHT_COMPILE_FAILED:
    return "COMPILE_FAILED";
  case TILEWRIGHT_LAUNCH_FAILED:
    return "LAUNCH_FAILED";
  case TILEWRIGHT_NOT_FOUND:
    return "NOT_FOUND";
  case TILEWRIGHT_IO_ERROR:
    return "IO_ERROR";
  case TILEWRIGHT_INVALID_BUNDLE:
    return "INVALID_BUNDLE";
  case TILEWRIGHT_UNSUPPORTED:
    return "UNSUPPORTED";
  case TILEWRIGHT_INVALID_WEIGHTS:
    return "INVALID_WEIGHTS";
  case TILEWRIGHT_OUT_OF_PAGES:
    return "OUT_OF_PAGES";
  case TILEWRIGHT_OUT_OF_MEMORY:
    return "OUT_OF_MEMORY";
  case TILEWRIGHT_CANCELLED:
    return "CANCELLED";
  case TILEWRIGHT_INTERNAL:
    return "INTERNAL";
  }
  return "UNKNOWN";
}

const char *tilewright_last_error(void) { return api::lastError.c_str(); }
