//===- Kernels.cpp - PTX that the driver tests load -----------------------===//

#include "tests/sim/driver/DriverLibrary.h"

namespace tilewright::sim::test {

const char *const kTestPtx = R"ptx(
.version 8.3
.target sm_90a
.address_size 64

.visible .global .align 4 .u32 counter = 7;
.visible .const .align 4 .u32 table[4] = {10, 20, 30, 40};

// words[i] += 1 for i < count
.visible .entry add_one(.param .u64 words, .param .u32 count)
{
  .reg .pred %p;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [words];
  ld.param.u32 %r1, [count];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.u32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %p, %r5, %r1;
  @%p bra done;
  mul.wide.u32 %rd2, %r5, 4;
  add.u64 %rd3, %rd1, %rd2;
  ld.global.u32 %r6, [%rd3];
  add.u32 %r6, %r6, 1;
  st.global.u32 [%rd3], %r6;
done:
  ret;
}

// out[0] = counter; counter += 1; out[1] = table[2]
.visible .entry use_globals(.param .u64 out)
{
  .reg .b32 %r<4>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [out];
  ld.global.u32 %r1, [counter];
  st.global.u32 [%rd1], %r1;
  add.u32 %r1, %r1, 1;
  st.global.u32 [counter], %r1;
  ld.const.u32 %r2, [table+8];
  st.global.u32 [%rd1+4], %r2;
  ret;
}

// *address = 1, wherever that is
.visible .entry poke(.param .u64 address)
{
  .reg .b32 %r<2>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [address];
  mov.u32 %r1, 1;
  st.global.u32 [%rd1], %r1;
  ret;
}

.visible .entry trap_now()
{
  trap;
}

// Spins until *flag is not 0, then writes 2 to it.
.visible .entry await_flag(.param .u64 flag)
{
  .reg .pred %p;
  .reg .b32 %r<3>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [flag];
again:
  ld.acquire.sys.global.u32 %r1, [%rd1];
  setp.eq.u32 %p, %r1, 0;
  @%p bra again;
  mov.u32 %r2, 2;
  st.global.u32 [%rd1], %r2;
  ret;
}

.extern .shared .align 16 .b8 dynamic_shared[];

// out[tid] = value of the neighbour, through dynamic shared memory
.visible .entry rotate(.param .u64 out)
{
  .reg .b32 %r<10>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, dynamic_shared;
  shl.b32 %r4, %r1, 2;
  add.u32 %r5, %r3, %r4;
  st.shared.u32 [%r5], %r1;
  bar.sync 0;
  add.u32 %r6, %r1, 1;
  rem.u32 %r6, %r6, %r2;
  shl.b32 %r7, %r6, 2;
  add.u32 %r8, %r3, %r7;
  ld.shared.u32 %r9, [%r8];
  mul.wide.u32 %rd2, %r1, 4;
  add.u64 %rd3, %rd1, %rd2;
  st.global.u32 [%rd3], %r9;
  ret;
}

// out[ctaid] = rank in the cluster
.visible .entry cluster_rank(.param .u64 out)
{
  .reg .b32 %r<3>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %cluster_ctarank;
  mul.wide.u32 %rd2, %r1, 4;
  add.u64 %rd3, %rd1, %rd2;
  st.global.u32 [%rd3], %r2;
  ret;
}

.visible .entry bounded() .maxntid 64, 1, 1
{
  ret;
}

.visible .entry exact() .reqntid 32, 2, 1
{
  ret;
}

.visible .entry paired() .reqnctapercluster 2, 1, 1
{
  ret;
}

// 40 KB of static shared memory
.visible .entry static_shared(.param .u64 out)
{
  .shared .align 4 .b8 buffer[40960];
  .reg .b32 %r<3>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, 5;
  st.shared.u32 [buffer], %r1;
  ld.shared.u32 %r2, [buffer];
  st.global.u32 [%rd1], %r2;
  ret;
}

// out = a by-value struct of 12 bytes and a byte, packed as the host sees them
.visible .entry mixed_params(.param .align 4 .b8 triple[12], .param .u8 small,
                             .param .u64 out)
{
  .reg .b32 %r<4>;
  .reg .b64 %rd<2>;
  ld.param.u32 %r1, [triple+8];
  ld.param.u8 %r2, [small];
  ld.param.u64 %rd1, [out];
  st.global.u32 [%rd1], %r1;
  st.global.u32 [%rd1+4], %r2;
  ret;
}
)ptx";

} // namespace tilewright::sim::test
