// A library loaded from PTX text at run time; its kernels, variables, errors.
#include "Check.h"

static const char kPtx[] = R"(
.version 8.0
.target sm_90
.address_size 64
.visible .global .align 4 .u32 offset = 5;
.visible .entry shift(.param .u64 data) {
  .reg .b64 %rd<4>;
  .reg .b32 %r<5>;
  ld.param.u64 %rd1, [data];
  mov.u32 %r1, %tid.x;
  mul.wide.u32 %rd2, %r1, 4;
  add.u64 %rd3, %rd1, %rd2;
  ld.global.u32 %r2, [%rd3];
  ld.global.u32 %r3, [offset];
  add.u32 %r4, %r2, %r3;
  st.global.u32 [%rd3], %r4;
  ret;
}
)";

int main() {
  cudaLibrary_t library;
  CUDA(cudaLibraryLoadData(&library, kPtx, nullptr, nullptr, 0, nullptr,
                           nullptr, 0));
  unsigned count = 0;
  CUDA(cudaLibraryGetKernelCount(&count, library));
  CHECK(count == 1);
  cudaKernel_t kernel;
  CUDA(cudaLibraryGetKernel(&kernel, library, "shift"));
  CHECK(cudaLibraryGetKernel(&kernel, library, "missing") ==
        cudaErrorSymbolNotFound);
  CUDA(cudaLibraryGetKernel(&kernel, library, "shift"));
  Device<int> data(std::vector<int>(32, 10));
  int *pointer = data;
  void *arguments[] = {&pointer};
  CUDA(cudaLaunchKernel((const void *)kernel, dim3(1), dim3(32), arguments, 0,
                        0));
  CUDA(cudaDeviceSynchronize());
  void *variable = nullptr;
  size_t bytes = 0;
  CUDA(cudaLibraryGetGlobal(&variable, &bytes, library, "offset"));
  CHECK(bytes == 4);
  int seven = 7;
  CUDA(cudaMemcpy(variable, &seven, 4, cudaMemcpyHostToDevice));
  CUDA(cudaLaunchKernel((const void *)kernel, dim3(1), dim3(32), arguments, 0,
                        0));
  for (int value : data.host())
    CHECK(value == 22);
  CUDA(cudaLibraryUnload(library));
  CHECK(cudaLaunchKernel((const void *)kernel, dim3(1), dim3(32), arguments, 0,
                         0) != cudaSuccess);
  cudaGetLastError();
}
