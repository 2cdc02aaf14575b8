// Pitched and 3-D copies and fills, in every direction.
#include "Check.h"
#include <cstring>

int main() {
  const size_t width = 50, height = 13, depth = 5;
  std::vector<unsigned char> in(width * height * depth), out(in.size());
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = (unsigned char)(i * 7);
  void *flat = nullptr;
  size_t pitch = 0;
  CUDA(cudaMallocPitch(&flat, &pitch, width, height));
  CHECK(pitch >= width && pitch % 32 == 0);
  CUDA(cudaMemcpy2D(flat, pitch, in.data(), width, width, height,
                    cudaMemcpyHostToDevice));
  CUDA(cudaMemset2D((char *)flat + 2 * pitch + 10, pitch, 0xab, 20, 3));
  CUDA(cudaMemcpy2DAsync(out.data(), width, flat, pitch, width, height,
                         cudaMemcpyDeviceToHost, 0));
  CUDA(cudaStreamSynchronize(0));
  for (size_t y = 0; y < height; ++y)
    for (size_t x = 0; x < width; ++x) {
      bool isFilled = y >= 2 && y < 5 && x >= 10 && x < 30;
      CHECK(out[y * width + x] == (isFilled ? 0xab : in[y * width + x]));
    }
  CHECK(cudaMemcpy2D(flat, 20, in.data(), width, width, height,
                     cudaMemcpyHostToDevice) == cudaErrorInvalidPitchValue);
  cudaGetLastError();

  cudaPitchedPtr box, other;
  CUDA(cudaMalloc3D(&box, make_cudaExtent(width, height, depth)));
  CUDA(cudaMalloc3D(&other, make_cudaExtent(width, height, depth)));
  CUDA(cudaMemset3D(other, 0x11, make_cudaExtent(width, height, depth)));
  cudaMemcpy3DParms copy{};
  copy.srcPtr = make_cudaPitchedPtr(in.data(), width, width, height);
  copy.dstPtr = box;
  copy.extent = make_cudaExtent(width, height, depth);
  copy.kind = cudaMemcpyHostToDevice;
  CUDA(cudaMemcpy3D(&copy));
  // A part of it, shifted, into the other box.
  copy = cudaMemcpy3DParms{};
  copy.srcPtr = box;
  copy.srcPos = make_cudaPos(4, 3, 1);
  copy.dstPtr = other;
  copy.dstPos = make_cudaPos(1, 2, 0);
  copy.extent = make_cudaExtent(30, 8, 3);
  copy.kind = cudaMemcpyDeviceToDevice;
  CUDA(cudaMemcpy3DAsync(&copy, 0));
  copy = cudaMemcpy3DParms{};
  copy.srcPtr = other;
  copy.dstPtr = make_cudaPitchedPtr(out.data(), width, width, height);
  copy.extent = make_cudaExtent(width, height, depth);
  copy.kind = cudaMemcpyDeviceToHost;
  CUDA(cudaMemcpy3D(&copy));
  for (size_t z = 0; z < depth; ++z)
    for (size_t y = 0; y < height; ++y)
      for (size_t x = 0; x < width; ++x) {
        bool isCopied = x >= 1 && x < 31 && y >= 2 && y < 10 && z < 3;
        size_t from = ((z + 1) * height + y + 1) * width + x + 3;
        CHECK(out[(z * height + y) * width + x] ==
              (isCopied ? in[from] : 0x11));
      }
  CHECK(cudaMemcpy(out.data(), in.data(), 4, cudaMemcpyHostToDevice) ==
        cudaErrorInvalidValue);
  CHECK(cudaMemcpy(out.data(), in.data(), 4, cudaMemcpyKind(17)) ==
        cudaErrorInvalidMemcpyDirection);
  CUDA(cudaMemcpy(out.data(), in.data(), 40, cudaMemcpyHostToHost));
  CHECK(std::memcmp(out.data(), in.data(), 40) == 0);
  CUDA(cudaFree(flat));
  CUDA(cudaFree(box.ptr));
  CUDA(cudaFree(other.ptr));
}
