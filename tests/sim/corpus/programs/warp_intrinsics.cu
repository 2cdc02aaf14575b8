// Votes, shuffles, matches and reductions of a warp, whole and in part.
#include "Check.h"

__global__ void warpWide(const unsigned *in, unsigned *out) {
  unsigned lane = threadIdx.x, value = in[lane], *o = out + lane * 16;
  o[0] = __ballot_sync(~0u, value & 1);
  o[1] =
      __any_sync(~0u, value == in[5]) * 2 + __all_sync(~0u, value < 1u << 24);
  o[2] = __shfl_sync(~0u, value, 31 - lane);
  o[3] = __shfl_up_sync(~0u, value, 3);
  o[4] = __shfl_down_sync(~0u, value, 5, 16);
  o[5] = __shfl_xor_sync(~0u, value, 9);
  o[6] = __match_any_sync(~0u, value % 5);
  int same = 0;
  o[7] = __match_all_sync(~0u, value / (1u << 24), &same) + unsigned(same);
  o[8] = __reduce_add_sync(~0u, value);
  o[9] = __reduce_min_sync(~0u, value);
  o[10] = __reduce_max_sync(~0u, int(value) - 100000);
  o[11] = __reduce_xor_sync(~0u, value);
  o[12] = __reduce_or_sync(~0u, value) - __reduce_and_sync(~0u, value);
  if (lane % 2) {
    unsigned odd = __activemask();
    o[13] = __shfl_sync(odd, value, int(lane) ^ 2);
    o[14] = __popc(odd);
  } else {
    o[13] = __reduce_add_sync(0x55555555, lane);
    o[14] = __ballot_sync(0x55555555, lane > 10);
  }
  __syncwarp();
  o[15] = __fns(~value, 0, 3);
}

static int nthSet(unsigned mask, int n) {
  for (int bit = 0; bit < 32; ++bit)
    if (mask >> bit & 1 && --n == 0)
      return bit;
  return -1;
}

int main() {
  std::vector<unsigned> in(32);
  unsigned state = 3;
  for (unsigned &value : in)
    value = nextRandom(state) % (1 << 20);
  Device<unsigned> input(in), output(32 * 16);
  warpWide<<<1, 32>>>(input, output);
  CUDA(cudaDeviceSynchronize());
  std::vector<unsigned> out = output.host();
  unsigned ballot = 0, sum = 0, least = ~0u, exclusive = 0, any = 0,
           every = ~0u;
  int most = -1 << 30;
  for (int i = 0; i < 32; ++i) {
    ballot |= (in[i] & 1) << i;
    sum += in[i];
    least = in[i] < least ? in[i] : least;
    most = int(in[i]) - 100000 > most ? int(in[i]) - 100000 : most;
    exclusive ^= in[i];
    any |= in[i];
    every &= in[i];
  }
  for (int i = 0; i < 32; ++i) {
    const unsigned *o = &out[i * 16];
    unsigned match = 0;
    for (int j = 0; j < 32; ++j)
      match |= unsigned(in[j] % 5 == in[i] % 5) << j;
    CHECK(o[0] == ballot && o[1] == 3 && o[2] == in[31 - i]);
    CHECK(o[3] == (i >= 3 ? in[i - 3] : in[i]));
    CHECK(o[4] == (i % 16 + 5 < 16 ? in[i + 5] : in[i]));
    CHECK(o[5] == in[i ^ 9] && o[6] == match && o[7] == 0);
    CHECK(o[8] == sum && o[9] == least && int(o[10]) == most);
    CHECK(o[11] == exclusive && o[12] == any - every);
    if (i % 2) {
      CHECK(o[13] == in[i ^ 2] && o[14] == 16);
    } else {
      CHECK(o[13] == 240 && o[14] == (0x55555555u & ~0x7ffu));
    }
    CHECK(int(o[15]) == nthSet(~in[i], 3));
  }
}
