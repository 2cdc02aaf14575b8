//! block 32
//! value n = s32(7)
//! fails assertion `n < 5` failed
#include <assert.h>
extern "C" __global__ void check(int n) { assert(n < 5); }
