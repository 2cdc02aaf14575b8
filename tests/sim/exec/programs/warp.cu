//! block 64
//! in a = random.integers(0, 4, 64, s32)
//! out d = np.zeros((5, 64), s32)
//! let w = [a[:32], a[32:]]
//! expect d[0] == np.repeat([x.sum() for x in w], 32)
//! expect d[1] == np.concatenate([[(x == v).sum() for v in x] for x in w])
//! expect d[2] == np.repeat([(x > 1).sum() for x in w], 32)
//! expect d[3] == np.repeat([x.max() for x in w], 32)
//! expect d[4] == np.concatenate([x[::-1] for x in w])
extern "C" __global__ void warp(const int *a, int *d) {
  int i = threadIdx.x, v = a[i];
  d[i] = __reduce_add_sync(0xffffffff, v);
  d[64 + i] = __popc(__match_any_sync(0xffffffff, v));
  d[128 + i] = __popc(__ballot_sync(0xffffffff, v > 1));
  d[192 + i] = __reduce_max_sync(0xffffffff, v);
  d[256 + i] = __shfl_xor_sync(0xffffffff, v, 31);
}
