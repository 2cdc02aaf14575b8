//===- Check.h - What the corpus's programs check themselves with ---------===//
#ifndef TILEWRIGHT_TESTS_SIM_CORPUS_CHECK_H
#define TILEWRIGHT_TESTS_SIM_CORPUS_CHECK_H

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

/// Ends the program when a runtime call fails.
#define CUDA(call)                                                             \
  do {                                                                         \
    cudaError_t error_ = (call);                                               \
    if (error_ != cudaSuccess) {                                               \
      std::printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call,                \
                  cudaGetErrorString(error_));                                 \
      std::exit(1);                                                            \
    }                                                                          \
  } while (0)

/// Ends the program when a condition does not hold.
#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);      \
      std::exit(1);                                                            \
    }                                                                          \
  } while (0)

/// A device copy of a vector, freed with it.
template <typename T>
struct Device {
  T *data = nullptr;
  size_t size;
  explicit Device(size_t size) : size(size) {
    CUDA(cudaMalloc(&data, size * sizeof(T)));
    CUDA(cudaMemset(data, 0, size * sizeof(T)));
  }
  Device(const std::vector<T> &values) : Device(values.size()) {
    CUDA(cudaMemcpy(data, values.data(), size * sizeof(T),
                    cudaMemcpyHostToDevice));
  }
  Device(const Device &) = delete;
  ~Device() { cudaFree(data); }
  operator T *() const { return data; }
  std::vector<T> host() const {
    std::vector<T> values(size);
    CUDA(cudaMemcpy(values.data(), data, size * sizeof(T),
                    cudaMemcpyDeviceToHost));
    return values;
  }
};

inline unsigned nextRandom(unsigned &state) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

#endif // TILEWRIGHT_TESTS_SIM_CORPUS_CHECK_H
