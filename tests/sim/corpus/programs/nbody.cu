// All pairs of bodies, tile by tile, with float4 loads and rsqrtf.
#include "Check.h"

__global__ void forces(const float4 *bodies, float3 *out, int n) {
  __shared__ float4 tile[64];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float4 me = i < n ? bodies[i] : make_float4(0, 0, 0, 0);
  float3 sum = make_float3(0, 0, 0);
  for (int start = 0; start < n; start += 64) {
    int j = start + threadIdx.x;
    tile[threadIdx.x] = j < n ? bodies[j] : make_float4(0, 0, 0, 0);
    __syncthreads();
#pragma unroll 8
    for (int k = 0; k < 64; ++k) {
      float x = tile[k].x - me.x, y = tile[k].y - me.y, z = tile[k].z - me.z;
      float inverse = rsqrtf(x * x + y * y + z * z + 0.01f);
      float scale = tile[k].w * inverse * inverse * inverse;
      sum.x += x * scale;
      sum.y += y * scale;
      sum.z += z * scale;
    }
    __syncthreads();
  }
  if (i < n)
    out[i] = sum;
}

int main() {
  const int n = 300;
  std::vector<float4> bodies(n);
  unsigned state = 43;
  for (float4 &body : bodies)
    body = {float(nextRandom(state) % 100) / 10,
            float(nextRandom(state) % 100) / 10,
            float(nextRandom(state) % 100) / 10,
            1 + float(nextRandom(state) % 4)};
  Device<float4> in(bodies);
  Device<float3> out(n);
  forces<<<(n + 63) / 64, 64>>>(in, out, n);
  std::vector<float3> found = out.host();
  for (int i = 0; i < n; ++i) {
    double x = 0, scaleSum = 0;
    for (int j = 0; j < n; ++j) {
      double dx = double(bodies[j].x) - bodies[i].x,
             dy = double(bodies[j].y) - bodies[i].y,
             dz = double(bodies[j].z) - bodies[i].z;
      double inverse = 1 / std::sqrt(dx * dx + dy * dy + dz * dz + 0.01);
      x += dx * bodies[j].w * inverse * inverse * inverse;
      scaleSum += std::fabs(dx * bodies[j].w * inverse * inverse * inverse);
    }
    CHECK(std::fabs(found[i].x - x) < 1e-5 * scaleSum + 1e-6);
  }
}
