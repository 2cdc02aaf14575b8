//! block 128
//! in a = random.standard_normal(256).astype(f16)
//! in b = random.standard_normal(256).astype(f16)
//! out d = np.zeros(256, f16)
//! out e = np.zeros(256, u16)
//! expect d == (a.astype(f64) * b.astype(f64) + 0.5).astype(f16)
//! expect e == bf16(np.tanh(from_bf16(bf16(a.astype(f32)))))
#include <cuda_bf16.h>
#include <cuda_fp16.h>
extern "C" __global__ void halves(const __half2 *a, const __half2 *b, __half2 *d, __nv_bfloat16 *e) {
  int i = threadIdx.x;
  d[i] = __hfma2(a[i], b[i], __float2half2_rn(0.5f));
  float2 x = __half22float2(a[i]);
  e[2 * i] = __float2bfloat16(tanhf(__bfloat162float(__float2bfloat16(x.x))));
  e[2 * i + 1] = __float2bfloat16(tanhf(__bfloat162float(__float2bfloat16(x.y))));
}
