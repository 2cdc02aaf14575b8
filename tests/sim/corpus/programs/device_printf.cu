// printf on the device, caught and compared; all kinds of arguments.
#include "Check.h"
#include <string>
#include <unistd.h>

__global__ void speak(const char *) {
  if (threadIdx.x == 3)
    printf("%d %5u|%-4d|%x %lld %c %s %5.2f %e %% %p\n", -7, 42u, 3, 255,
           1ll << 40, 'z', "text", 3.14159, 1.5e10, (void *)0x10);
  __syncwarp();
  if (threadIdx.x < 2)
    printf("thread %d of block %d\n", threadIdx.x, blockIdx.x);
}

int main() {
  char path[] = "/tmp/device-printf-XXXXXX";
  int file = mkstemp(path), saved = dup(1);
  CHECK(file >= 0);
  unlink(path);
  fflush(stdout);
  dup2(file, 1);
  speak<<<1, 32>>>(nullptr);
  cudaError_t error = cudaDeviceSynchronize();
  fflush(stdout);
  dup2(saved, 1);
  CUDA(error);
  char text[1024] = {};
  lseek(file, 0, SEEK_SET);
  CHECK(read(file, text, sizeof text - 1) > 0);
  CHECK(std::string(text) ==
        "-7    42|3   |ff 1099511627776 z text  3.14 1.500000e+10 % 0x10\n"
        "thread 0 of block 0\nthread 1 of block 0\n");
}
