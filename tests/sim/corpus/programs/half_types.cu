// half, bfloat16 and fp8: arithmetic and conversions against the host's.
#include "Check.h"
#include <cstring>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

struct Row {
  __half sum, product, fused, root, big;
  __nv_bfloat16 bfSum, bfFused;
  __half2 pair;
  unsigned char e4m3, e5m2;
  float back4, back5;
};

__global__ void compute(const float *x, const float *y, Row *rows, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  __half a = __float2half(x[i]), b = __float2half(y[i]);
  __nv_bfloat16 c = __float2bfloat16(x[i]), d = __float2bfloat16(y[i]);
  Row row;
  row.sum = __hadd(a, b);
  row.product = __hmul(a, b);
  row.fused = __hfma(a, b, a);
  row.root = hsqrt(__habs(a));
  row.big = __hmax(a, b);
  row.bfSum = __hadd(c, d);
  row.bfFused = __hfma(c, d, d);
  row.pair =
      __hfma2(__halves2half2(a, b), __halves2half2(b, b), __halves2half2(a, a));
  __nv_fp8_e4m3 e4(x[i]);
  __nv_fp8_e5m2 e5(y[i]);
  row.e4m3 = e4.__x;
  row.e5m2 = e5.__x;
  row.back4 = float(e4);
  row.back5 = float(e5);
  rows[i] = row;
}

static float rounded(double value) {
  return __half2float(__double2half(value));
}
static float roundedBf(double value) {
  return __bfloat162float(__double2bfloat16(value));
}

int main() {
  const int n = 1024;
  std::vector<float> x(n), y(n);
  unsigned state = 37;
  for (int i = 0; i < n; ++i) {
    x[i] = (float(nextRandom(state) % 20001) - 10000) / 77;
    y[i] = (float(nextRandom(state) % 2001) - 1000) / 333;
  }
  Device<float> dx(x), dy(y);
  Device<Row> rows(n);
  compute<<<n / 128, 128>>>(dx, dy, rows, n);
  std::vector<Row> out = rows.host();
  for (int i = 0; i < n; ++i) {
    double a = __half2float(__float2half(x[i])),
           b = __half2float(__float2half(y[i]));
    double c = __bfloat162float(__float2bfloat16(x[i]));
    double d = __bfloat162float(__float2bfloat16(y[i]));
    const Row &row = out[i];
    CHECK(__half2float(row.sum) == rounded(a + b));
    CHECK(__half2float(row.product) == rounded(a * b));
    CHECK(__half2float(row.fused) == rounded(a * b + a));
    CHECK(std::fabs(__half2float(row.root) - std::sqrt(std::fabs(a))) < 0.01);
    CHECK(__half2float(row.big) == float(a > b ? a : b));
    CHECK(__bfloat162float(row.bfSum) == roundedBf(c + d));
    CHECK(__bfloat162float(row.bfFused) == roundedBf(c * d + d));
    CHECK(__low2float(row.pair) == rounded(a * b + a));
    CHECK(__high2float(row.pair) == rounded(b * b + a));
    __nv_fp8_e4m3 e4(x[i]);
    __nv_fp8_e5m2 e5(y[i]);
    CHECK(row.e4m3 == e4.__x && row.e5m2 == e5.__x);
    CHECK(row.back4 == float(e4) && row.back5 == float(e5));
  }
}
