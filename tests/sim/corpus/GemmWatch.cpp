//===- GemmWatch.cpp - Checks the products of programs that do not --------===//
// CuTe's tutorials compute C = A B and read it back, but compare it with
// nothing. This library is preloaded into them: it sees what they copy to the
// device and back, computes the product on the host, and says on stderr whether
// the two agree. TILEWRIGHT_GEMM is "M N K TYPE TRANSA TRANSB", with float or
// half as the type and N or T as in BLAS; all matrices are packed, and columns
// follow one another.
//===----------------------------------------------------------------------===//

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <map>
#include <string>
#include <vector>

namespace {

struct Problem {
  size_t m = 0, n = 0, k = 0;
  bool isHalf = false;
  char transA = 'N', transB = 'T';
  size_t elementBytes() const { return isHalf ? 2 : 4; }
};

/// What was copied to the device, in the order of first use of an address.
struct Upload {
  const void *address;
  std::vector<char> bytes;
};

class Watch {
public:
  Watch();
  void uploaded(const void *target, const void *source, size_t bytes);
  void downloaded(const void *result, size_t bytes);

private:
  std::vector<float> read(const Upload &upload) const;

  Problem problem;
  std::vector<Upload> uploads;
  bool isDone = false;
};

} // namespace

Watch::Watch() {
  const char *text = getenv("TILEWRIGHT_GEMM");
  char type[8] = {};
  if (!text || sscanf(text, "%zu %zu %zu %7s %c %c", &problem.m, &problem.n,
                      &problem.k, type, &problem.transA, &problem.transB) != 6)
    isDone = true;
  problem.isHalf = std::string(type) == "half";
}

void Watch::uploaded(const void *target, const void *source, size_t bytes) {
  const char *data = static_cast<const char *>(source);
  for (Upload &upload : uploads)
    if (upload.address == target) {
      upload.bytes.assign(data, data + bytes);
      return;
    }
  uploads.push_back({target, {data, data + bytes}});
}

std::vector<float> Watch::read(const Upload &upload) const {
  std::vector<float> values(upload.bytes.size() / problem.elementBytes());
  for (size_t i = 0; i < values.size(); ++i) {
    if (problem.isHalf) {
      __half half;
      memcpy(&half, upload.bytes.data() + 2 * i, 2);
      values[i] = __half2float(half);
    } else {
      memcpy(&values[i], upload.bytes.data() + 4 * i, 4);
    }
  }
  return values;
}

/// The first copy back of a whole C is the product.
void Watch::downloaded(const void *result, size_t bytes) {
  const Problem &p = problem;
  if (isDone || uploads.size() < 2 || bytes != p.m * p.n * p.elementBytes())
    return;
  isDone = true;
  const char *data = static_cast<const char *>(result);
  std::vector<float> c = read({nullptr, {data, data + bytes}});
  std::vector<float> a = read(uploads[0]), b = read(uploads[1]);
  if (a.size() != p.m * p.k || b.size() != p.n * p.k) {
    fprintf(stderr, "gemm-watch: the first copies are not A and B\n");
    return;
  }
  // Sums of float, or of half products rounded to half at the end.
  double bound = p.isHalf ? 1e-2 : 1e-5, worst = 0;
  size_t wrong = 0;
  for (size_t j = 0; j < p.n; ++j)
    for (size_t i = 0; i < p.m; ++i) {
      double sum = 0, magnitude = 0;
      for (size_t l = 0; l < p.k; ++l) {
        double x = a[p.transA == 'N' ? i + l * p.m : l + i * p.k];
        double y = b[p.transB == 'N' ? l + j * p.k : j + l * p.n];
        sum += x * y;
        magnitude += std::fabs(x * y);
      }
      float found = c[i + j * p.m];
      double error = std::fabs(found - sum) / (magnitude + 1e-30);
      worst = error == error ? std::fmax(worst, error) : HUGE_VAL;
      if (!(error <= bound) && wrong++ == 0)
        fprintf(stderr, "gemm-watch: C(%zu, %zu) is %g, not %g\n", i, j, found,
                sum);
    }
  if (wrong)
    fprintf(stderr, "gemm-watch: %zu of %zu are wrong\n", wrong, p.m * p.n);
  fprintf(stderr, "gemm-watch: %s, largest error %.2e of the summands\n",
          wrong ? "FAILED" : "passed", worst);
}

static Watch &watch() {
  static Watch *one = new Watch;
  return *one;
}

template <typename Call>
static Call next(const char *name) {
  return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
}

/// The kind of a copy says nothing where Thrust makes it.
static bool isOnDevice(const void *pointer) {
  static auto call =
      next<decltype(&cudaPointerGetAttributes)>("cudaPointerGetAttributes");
  cudaPointerAttributes attributes;
  return call(&attributes, pointer) == cudaSuccess &&
         attributes.type == cudaMemoryTypeDevice;
}

extern "C" __attribute__((visibility("default"))) cudaError_t
cudaMemcpyAsync(void *target, const void *source, size_t bytes,
                cudaMemcpyKind kind, cudaStream_t stream) {
  static auto call = next<decltype(&cudaMemcpyAsync)>("cudaMemcpyAsync");
  bool fromDevice = isOnDevice(source), toDevice = isOnDevice(target);
  if (!fromDevice && toDevice)
    watch().uploaded(target, source, bytes);
  cudaError_t error = call(target, source, bytes, kind, stream);
  // The host's memory is pageable here, so the copy is complete.
  if (error == cudaSuccess && fromDevice && !toDevice)
    watch().downloaded(target, bytes);
  return error;
}
