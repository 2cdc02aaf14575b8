//! block 64
//! out d = np.zeros(64, s32)
//! let ack = lambda m, n: n + 1 if m == 0 else ack(m - 1, 1) if n == 0 else ack(m - 1, ack(m, n - 1))
//! expect d == [ack(2, i % 8) + i // 8 for i in range(64)]
__device__ __noinline__ int ackermann(int m, int n) {
  if (m == 0)
    return n + 1;
  if (n == 0)
    return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}
extern "C" __global__ void recursion(int *d) {
  int i = threadIdx.x;
  d[i] = ackermann(2, i % 8) + i / 8;
}
