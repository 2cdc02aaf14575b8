//! grid 16
//! block 64
//! in lock = np.zeros(1, s32)
//! out d = np.zeros(2, s32)
//! expect d == [1024, 1024 * 1023 // 2 % 2**31]
// Every thread of a warp takes one lock: the holder must not starve behind the lanes that spin.
extern "C" __global__ void spinlock(int *lock, int *d) {
  bool done = false;
  while (!done) {
    if (atomicCAS(lock, 0, 1) == 0) {
      __threadfence();
      volatile int *v = d;
      v[0] = v[0] + 1;
      v[1] = v[1] + (int)(blockIdx.x * 64 + threadIdx.x);
      __threadfence();
      atomicExch(lock, 0);
      done = true;
    }
  }
}
