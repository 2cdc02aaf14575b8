// Managed allocations and variables: host and device use one pointer.
#include "Check.h"

__managed__ int total = 5;
__managed__ float table[64];
__device__ __managed__ int *shared;

struct Node {
  int value;
  Node *next;
};

__global__ void useTable(int n) {
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    table[i] *= 2;
  atomicAdd(&total, 1);
  __syncthreads();
  if (threadIdx.x == 0)
    *shared = total > 0;
}

__global__ void sumList(const Node *node, int *sum) {
  for (; node; node = node->next)
    *sum += node->value;
}

int main() {
  for (int i = 0; i < 64; ++i)
    table[i] = float(i);
  CUDA(cudaMallocManaged(&shared, sizeof(int)));
  useTable<<<1, 32>>>(64);
  CUDA(cudaDeviceSynchronize());
  CHECK(total == 37);
  CHECK(*shared == 1);
  for (int i = 0; i < 64; ++i)
    CHECK(table[i] == 2.0f * i);
  int *address = nullptr;
  CUDA(cudaGetSymbolAddress((void **)&address, total));
  CHECK(address == &total);

  Node *head = nullptr;
  int expected = 0;
  for (int i = 1; i <= 100; ++i) {
    Node *node;
    CUDA(cudaMallocManaged(&node, sizeof(Node)));
    *node = {i * i, head};
    head = node;
    expected += i * i;
  }
  int *sum;
  CUDA(cudaMallocManaged(&sum, sizeof(int)));
  *sum = 0;
  cudaMemLocation device{cudaMemLocationTypeDevice, {0}};
  CUDA(cudaMemPrefetchAsync(sum, sizeof(int), device, 0, 0));
  CUDA(cudaMemAdvise(sum, sizeof(int), cudaMemAdviseSetPreferredLocation,
                     device));
  sumList<<<1, 1>>>(head, sum);
  CUDA(cudaDeviceSynchronize());
  CHECK(*sum == expected);
  cudaPointerAttributes attributes;
  CUDA(cudaPointerGetAttributes(&attributes, sum));
  CHECK(attributes.type == cudaMemoryTypeManaged);
  CHECK(attributes.devicePointer == sum && attributes.hostPointer == sum);
  while (head) {
    Node *next = head->next;
    CUDA(cudaFree(head));
    head = next;
  }
}
