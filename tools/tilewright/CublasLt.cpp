//===- CublasLt.cpp - cuBLASLt's time for a matrix product ----------------===//
// Declarations and constants are those of cublasLt.h and library_types.h,
// unchanged since cuBLAS 11.
//===----------------------------------------------------------------------===//

#include "tools/tilewright/CublasLt.h"

#include <algorithm>
#include <array>
#include <dlfcn.h>
#include <limits>

using namespace tilewright::runtime;

namespace tilewright {

namespace {
constexpr int kTypeF32 = 0;      // CUDA_R_32F
constexpr int kTypeBf16 = 14;    // CUDA_R_16BF
constexpr int kComputeF32 = 68;  // CUBLAS_COMPUTE_32F
constexpr int kTransposeA = 3;   // CUBLASLT_MATMUL_DESC_TRANSA
constexpr int kOperationT = 1;   // CUBLAS_OP_T
constexpr int kMaxWorkspace = 1; // CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
constexpr uint64_t kBf16Bytes = 2;
// NVIDIA's advice for Hopper's workspace, and a walk longer than any L2.
constexpr uint64_t kWorkspaceBytes = 32 << 20;
constexpr uint64_t kWalkBytes = 256 << 20;

struct Heuristic { // cublasLtMatmulHeuristicResult_t
  uint64_t algo[8];
  size_t workspaceSize;
  int state;
  float wavesCount;
  int reserved[4];
};

/// The functions that we call, under their names without "cublasLt".
struct Functions {
  int (*create)(void **) = nullptr;
  int (*destroy)(void *) = nullptr;
  int (*matmulDescCreate)(void **, int, int) = nullptr;
  int (*matmulDescDestroy)(void *) = nullptr;
  int (*matmulDescSetAttribute)(void *, int, const void *, size_t) = nullptr;
  int (*layoutCreate)(void **, int, uint64_t, uint64_t, int64_t) = nullptr;
  int (*layoutDestroy)(void *) = nullptr;
  int (*preferenceCreate)(void **) = nullptr;
  int (*preferenceDestroy)(void *) = nullptr;
  int (*preferenceSetAttribute)(void *, int, const void *, size_t) = nullptr;
  int (*getHeuristic)(void *, void *, void *, void *, void *, void *, void *,
                      int, Heuristic *, int *) = nullptr;
  int (*matmul)(void *, void *, const void *, const void *, void *,
                const void *, void *, const void *, const void *, void *,
                void *, void *, const void *, void *, size_t,
                abi::Stream) = nullptr;
};

/// A descriptor that destroys itself.
struct Descriptor {
  void *handle = nullptr;
  int (*destroy)(void *) = nullptr;
  ~Descriptor() {
    if (handle)
      destroy(handle);
  }
};
} // namespace

struct CublasLt::State {
  DevicePtr device;
  Functions functions;
  void *handle = nullptr;
  Stream stream;
  DeviceBuffer workspace;

  ~State() {
    if (handle)
      functions.destroy(handle);
  }
};

CublasLt::CublasLt(std::unique_ptr<State> state) : state(std::move(state)) {}
CublasLt::CublasLt(CublasLt &&) noexcept = default;
CublasLt::~CublasLt() = default;

static Result<void> check(int status, const char *what) {
  if (status == 0)
    return success();
  return Error(TILEWRIGHT_LAUNCH_FAILED, std::string(what) +
                                             " failed with status " +
                                             std::to_string(status));
}

static Result<Functions> load() {
  void *library = nullptr;
  for (const char *name :
       {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"})
    if (!library)
      library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return Error(TILEWRIGHT_UNAVAILABLE,
                 "no libcublasLt.so.13 or .12 on this machine");
  Functions functions;
  std::string missing;
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(
        dlsym(library, name));
    if (!function)
      missing = name;
  };
  find(functions.create, "cublasLtCreate");
  find(functions.destroy, "cublasLtDestroy");
  find(functions.matmulDescCreate, "cublasLtMatmulDescCreate");
  find(functions.matmulDescDestroy, "cublasLtMatmulDescDestroy");
  find(functions.matmulDescSetAttribute, "cublasLtMatmulDescSetAttribute");
  find(functions.layoutCreate, "cublasLtMatrixLayoutCreate");
  find(functions.layoutDestroy, "cublasLtMatrixLayoutDestroy");
  find(functions.preferenceCreate, "cublasLtMatmulPreferenceCreate");
  find(functions.preferenceDestroy, "cublasLtMatmulPreferenceDestroy");
  find(functions.preferenceSetAttribute,
       "cublasLtMatmulPreferenceSetAttribute");
  find(functions.getHeuristic, "cublasLtMatmulAlgoGetHeuristic");
  find(functions.matmul, "cublasLtMatmul");
  if (!missing.empty())
    return Error(TILEWRIGHT_UNAVAILABLE, "libcublasLt lacks " + missing);
  return functions;
}

Result<CublasLt> CublasLt::open(DevicePtr device) {
  auto state = std::make_unique<State>();
  TILEWRIGHT_ASSIGN(state->functions, load());
  TILEWRIGHT_TRY(
      check(state->functions.create(&state->handle), "cublasLtCreate"));
  TILEWRIGHT_ASSIGN(state->stream, Stream::create(device));
  TILEWRIGHT_ASSIGN(state->workspace, DeviceBuffer::allocate(
                                          device, kWorkspaceBytes, "cuBLASLt"));
  state->device = std::move(device);
  return CublasLt(std::move(state));
}

namespace {
/// One product, described as cuBLASLt wants it.
struct Problem {
  Descriptor operation, weights, input, output, preference;
  Heuristic heuristic;
};
} // namespace

/// cuBLASLt is column-major: the row-major result is the transpose of its own,
/// so the weights are its transposed left operand.
static Result<void> describe(const Functions &lt, void *handle, GemmSize size,
                             Problem &problem) {
  auto layout = [&](Descriptor &descriptor, int64_t rows, int64_t columns) {
    descriptor.destroy = lt.layoutDestroy;
    return check(lt.layoutCreate(&descriptor.handle, kTypeBf16, uint64_t(rows),
                                 uint64_t(columns), rows),
                 "cublasLtMatrixLayoutCreate");
  };
  problem.operation.destroy = lt.matmulDescDestroy;
  problem.preference.destroy = lt.preferenceDestroy;
  TILEWRIGHT_TRY(check(
      lt.matmulDescCreate(&problem.operation.handle, kComputeF32, kTypeF32),
      "cublasLtMatmulDescCreate"));
  TILEWRIGHT_TRY(
      check(lt.matmulDescSetAttribute(problem.operation.handle, kTransposeA,
                                      &kOperationT, sizeof(kOperationT)),
            "cublasLtMatmulDescSetAttribute"));
  TILEWRIGHT_TRY(layout(problem.weights, size.k, size.n));
  TILEWRIGHT_TRY(layout(problem.input, size.k, size.m));
  TILEWRIGHT_TRY(layout(problem.output, size.n, size.m));
  TILEWRIGHT_TRY(check(lt.preferenceCreate(&problem.preference.handle),
                       "cublasLtMatmulPreferenceCreate"));
  TILEWRIGHT_TRY(check(
      lt.preferenceSetAttribute(problem.preference.handle, kMaxWorkspace,
                                &kWorkspaceBytes, sizeof(kWorkspaceBytes)),
      "cublasLtMatmulPreferenceSetAttribute"));
  int found = 0;
  TILEWRIGHT_TRY(check(
      lt.getHeuristic(handle, problem.operation.handle, problem.weights.handle,
                      problem.input.handle, problem.output.handle,
                      problem.output.handle, problem.preference.handle, 1,
                      &problem.heuristic, &found),
      "cublasLtMatmulAlgoGetHeuristic"));
  if (found == 0)
    return Error(TILEWRIGHT_UNSUPPORTED,
                 "cuBLASLt has no algorithm for this product");
  return success();
}

Result<double> CublasLt::measure(GemmSize size, int repeats) {
  const Functions &lt = state->functions;
  Problem problem;
  TILEWRIGHT_TRY(describe(lt, state->handle, size, problem));
  uint64_t weightBytes = uint64_t(size.n * size.k) * kBf16Bytes;
  uint64_t copies = std::max<uint64_t>(1, kWalkBytes / weightBytes);
  TILEWRIGHT_ASSIGN(
      DeviceBuffer weights,
      DeviceBuffer::allocate(state->device, copies * weightBytes, "cuBLASLt"));
  TILEWRIGHT_ASSIGN(
      DeviceBuffer input,
      DeviceBuffer::allocate(
          state->device, uint64_t(size.m * size.k) * kBf16Bytes, "cuBLASLt"));
  TILEWRIGHT_ASSIGN(
      DeviceBuffer output,
      DeviceBuffer::allocate(
          state->device, uint64_t(size.m * size.n) * kBf16Bytes, "cuBLASLt"));
  // Zeros would draw less power, and so clock higher, than a model's numbers.
  constexpr unsigned char smallNumbers = 0x3c;
  for (const DeviceBuffer *buffer : {&weights, &input})
    TILEWRIGHT_TRY(check(state->device->driver().memsetD8Async(
                             buffer->address(), smallNumbers, buffer->size(),
                             state->stream.handle()),
                         "cuMemsetD8Async"));
  TILEWRIGHT_ASSIGN(Event start,
                    Event::create(state->device, Event::Timing::On));
  TILEWRIGHT_ASSIGN(Event end, Event::create(state->device, Event::Timing::On));
  auto pointer = [](abi::DevicePointer address) {
    return reinterpret_cast<void *>(address);
  };
  float one = 1, zero = 0;
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i <= repeats; ++i) {
    void *out = pointer(output.address());
    TILEWRIGHT_TRY(start.record(state->stream));
    TILEWRIGHT_TRY(
        check(lt.matmul(state->handle, problem.operation.handle, &one,
                        pointer(weights.address() +
                                uint64_t(i) % copies * weightBytes),
                        problem.weights.handle, pointer(input.address()),
                        problem.input.handle, &zero, out, problem.output.handle,
                        out, problem.output.handle, problem.heuristic.algo,
                        pointer(state->workspace.address()), kWorkspaceBytes,
                        state->stream.handle()),
              "cublasLtMatmul"));
    TILEWRIGHT_TRY(end.record(state->stream));
    TILEWRIGHT_TRY(end.wait());
    TILEWRIGHT_ASSIGN(double seconds, end.secondsSince(start));
    if (i > 0) // the first one loads the code
      best = std::min(best, seconds);
  }
  return best;
}

} // namespace tilewright
