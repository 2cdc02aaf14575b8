//! block 32
//! in a = np.arange(32, dtype=f32)
//! value p = np.array([(3, 2.5, 7)], dtype=[("s", "u1"), ("f", "<f4"), ("q", "<i8")]).tobytes() if False else np.frombuffer(bytes([3]) + bytes(3) + np.float32(2.5).tobytes() + np.int64(7).tobytes(), u8)
//! out d = np.zeros(32, f32)
//! expect d == a * f32(2.5) + 3 + 7 + np.array([0.5, 1.5, 2.5, 3.5], f32)[np.arange(32) % 4]
// A struct by value, a constant table, a switch.
struct Parameters {
  unsigned char shift;
  float factor;
  long long offset;
};
__constant__ float table[4] = {0.5f, 1.5f, 2.5f, 3.5f};
extern "C" __global__ void structs(const float *a, const __grid_constant__ Parameters p, float *d) {
  int i = threadIdx.x;
  const Parameters *pointer = &p;
  d[i] = a[i] * pointer->factor + p.shift + p.offset + table[i % 4];
}
