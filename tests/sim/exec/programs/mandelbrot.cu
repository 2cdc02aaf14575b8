//! grid 4 4
//! block 16 8
//! out d = np.zeros((32, 64), s32)
//! let y, x = np.mgrid[0:32, 0:64]; cr = (f32(-2.0) + x.astype(f32) * f32(0.046875)); ci = (f32(-1.0) + y.astype(f32) * f32(0.0625))
//! expect iterations(cr, ci, d)
//! let iterations = lambda cr, ci, d: all(d[j, i] == count(cr[j, i], ci[j, i]) for j in range(0, 32, 5) for i in range(0, 64, 7))
//! let count = lambda a, b: __import__("functools").reduce(lambda s, _: s if s[3] or s[0] * s[0] + s[1] * s[1] > 4 else (f32(f32(s[0] * s[0]) - f32(s[1] * s[1])) + a, f32(f32(2) * s[0]) * s[1] + b, s[2] + 1, False) if True else s, range(200), (f32(0), f32(0), 0, False))[2]
// Loops whose length differs from lane to lane.
extern "C" __global__ void mandelbrot(int *d) {
  int x = blockIdx.x * 16 + threadIdx.x, y = blockIdx.y * 8 + threadIdx.y;
  float cr = __fadd_rn(-2.0f, __fmul_rn(x, 0.046875f)), ci = __fadd_rn(-1.0f, __fmul_rn(y, 0.0625f));
  float zr = 0, zi = 0;
  int n = 0;
  while (n < 200 && __fadd_rn(__fmul_rn(zr, zr), __fmul_rn(zi, zi)) <= 4.0f) {
    float next = __fadd_rn(__fsub_rn(__fmul_rn(zr, zr), __fmul_rn(zi, zi)), cr);
    zi = __fadd_rn(__fmul_rn(__fmul_rn(2.0f, zr), zi), ci);
    zr = next;
    ++n;
  }
  d[y * 64 + x] = n;
}
