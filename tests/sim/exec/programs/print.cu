//! block 2
//! value n = s32(3)
//! expect sorted(stdout.splitlines()) == ["thread 0 of 2: 1.50 abc 0xff", "thread 1 of 2: 3.00 abc 0xff"]
#include <stdio.h>
extern "C" __global__ void print(int n) {
  printf("thread %d of %u: %.2f %s %#x\n", threadIdx.x, blockDim.x, (threadIdx.x + 1) * n / 2.0, "abc", 255);
}
