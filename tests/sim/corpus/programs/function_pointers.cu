// Device functions through tables, parameters and symbols; a chain of calls.
#include "Check.h"

using Operation = float (*)(float, float);
__device__ float plus(float a, float b) { return a + b; }
__device__ float minus(float a, float b) { return a - b; }
__device__ float times(float a, float b) { return a * b; }
__device__ __noinline__ float norm(float a, float b) {
  return sqrtf(a * a + b * b);
}
__device__ Operation table[4] = {plus, minus, times, norm};
__device__ Operation chosen = times;

__global__ void applyTable(const float *a, const float *b, float *c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    c[i] = table[i % 4](a[i], b[i]);
}

__global__ void applyOne(Operation operation, const float *a, const float *b,
                         float *c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    c[i] = operation(a[i], b[i]);
}

struct Shape {
  __device__ virtual float area() const = 0;
};
struct Square : Shape {
  float side;
  __device__ Square(float side) : side(side) {}
  __device__ float area() const override { return side * side; }
};
struct Box : Square {
  float other;
  __device__ Box(float a, float b) : Square(a), other(b) {}
  __device__ float area() const override { return side * other; }
};

__global__ void areas(float *out) {
  Square square(float(threadIdx.x));
  Box box(float(threadIdx.x), 3);
  const Shape *shape = threadIdx.x % 3 ? static_cast<Shape *>(&square) : &box;
  out[threadIdx.x] = shape->area();
}

int main() {
  const int n = 1000;
  std::vector<float> a(n), b(n);
  for (int i = 0; i < n; ++i)
    a[i] = float(3 * i), b[i] = float(4 * i);
  Device<float> da(a), db(b), dc(n);
  applyTable<<<8, 128>>>(da, db, dc, n);
  std::vector<float> c = dc.host();
  for (int i = 0; i < n; ++i) {
    float expected[] = {a[i] + b[i], a[i] - b[i], a[i] * b[i], float(5 * i)};
    CHECK(c[i] == expected[i % 4]);
  }
  Operation operation;
  CUDA(cudaMemcpyFromSymbol(&operation, chosen, sizeof operation));
  applyOne<<<8, 128>>>(operation, da, db, dc, n);
  c = dc.host();
  for (int i = 0; i < n; ++i)
    CHECK(c[i] == a[i] * b[i]);
  areas<<<1, 96>>>(dc);
  c = dc.host();
  for (int i = 0; i < 96; ++i)
    CHECK(c[i] == (i % 3 ? float(i * i) : float(3 * i)));
}
