//! grid 12
//! block 64
//! in counter = np.zeros(2, u32)
//! out d = np.zeros(12, u32)
//! expect d == 12 * 11 // 2
// A barrier over the whole grid, by hand: every block has to be resident.
extern "C" __global__ void blocksync(volatile unsigned *counter, unsigned *d) {
  if (threadIdx.x == 0) {
    atomicAdd((unsigned *)&counter[1], blockIdx.x);
    __threadfence();
    atomicAdd((unsigned *)&counter[0], 1u);
    while (counter[0] < gridDim.x) {
    }
    __threadfence();
    d[blockIdx.x] = counter[1];
  }
}
