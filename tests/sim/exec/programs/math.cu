//! block 256
//! in a = np.linspace(-3, 3, 256).astype(f32)
//! out d = np.zeros((8, 256), f32)
//! out e = np.zeros((4, 256), f64)
//! let x = a.astype(f64)
//! expect np.allclose(d, [np.exp(x), np.sin((f32(100) * a).astype(f64)), np.log(x * x + 1), np.tanh(x), np.power(np.abs(x), 1.5), [__import__("math").erf(v) for v in x], 1 / np.sqrt(x * x + 1), np.cbrt(x)], rtol=2e-5, atol=1e-5)
//! expect np.allclose(e, [np.exp(x), np.sin(x * 1e5), np.log1p(x * x), np.fmod(x * 1000, 7)], rtol=1e-12, atol=1e-12)
// The math library's slow paths: branches, tables in constant memory, local arrays.
#include <math.h>
extern "C" __global__ void math(const float *a, float *d, double *e) {
  int i = threadIdx.x;
  float x = a[i];
  double y = x;
  d[i] = expf(x);
  d[256 + i] = sinf(100 * x);
  d[512 + i] = logf(x * x + 1);
  d[768 + i] = tanhf(x);
  d[1024 + i] = powf(fabsf(x), 1.5f);
  d[1280 + i] = erff(x);
  d[1536 + i] = rsqrtf(x * x + 1);
  d[1792 + i] = cbrtf(x);
  e[i] = exp(y);
  e[256 + i] = sin(y * 1e5);
  e[512 + i] = log1p(y * y);
  e[768 + i] = fmod(y * 1000, 7.0);
}
