// Matrix transpose through padded shared memory, with ragged edges.
#include "Check.h"

template <int Tile, int Rows>
__global__ void transpose(const double *in, double *out, int width,
                          int height) {
  __shared__ double tile[Tile][Tile + 1];
  int x = blockIdx.x * Tile + threadIdx.x, y = blockIdx.y * Tile + threadIdx.y;
  for (int j = 0; j < Tile; j += Rows)
    if (x < width && y + j < height)
      tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * width + x];
  __syncthreads();
  x = blockIdx.y * Tile + threadIdx.x;
  y = blockIdx.x * Tile + threadIdx.y;
  for (int j = 0; j < Tile; j += Rows)
    if (x < height && y + j < width)
      out[(y + j) * height + x] = tile[threadIdx.x][threadIdx.y + j];
}

int main() {
  const int width = 203, height = 117;
  std::vector<double> in(width * height);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = double(i) * 0.5;
  Device<double> from(in), to(in.size());
  transpose<32, 8>
      <<<dim3((width + 31) / 32, (height + 31) / 32), dim3(32, 8)>>>(
          from, to, width, height);
  std::vector<double> out = to.host();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      CHECK(out[x * height + y] == in[y * width + x]);
}
