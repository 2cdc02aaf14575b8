// Persistent blocks take work from a queue that they also feed; they spin on
// each other, so all of them must make progress. Who gets which place of the
// queue depends on the order of execution, and no result does.
//! schedules: error
#include "Check.h"

struct Queue {
  int head, tail, finished;
  int items[4096];
  int ready[4096];
};

__device__ void push(Queue *queue, int item) {
  int at = atomicAdd(&queue->tail, 1);
  queue->items[at] = item;
  __threadfence();
  atomicExch(&queue->ready[at], 1);
}

// Item v stands for a tree whose children are v/2 and v/2 - 1.
__global__ void work(Queue *queue, int total, unsigned long long *sum) {
  __shared__ int item;
  for (;;) {
    if (threadIdx.x == 0) {
      int at = atomicAdd(&queue->head, 1);
      item = -1;
      if (at < total) {
        while (atomicAdd(&queue->ready[at], 0) == 0)
          __nanosleep(20);
        __threadfence();
        item = ((volatile int *)queue->items)[at];
      }
    }
    __syncthreads();
    int mine = item;
    __syncthreads();
    if (mine < 0)
      return;
    if (threadIdx.x == 0 && mine >= 2) {
      push(queue, mine / 2);
      push(queue, mine / 2 - 1);
    }
    if (threadIdx.x < 32)
      atomicAdd(sum, (unsigned long long)mine);
  }
}

static void count(int v, int &nodes, unsigned long long &sum) {
  ++nodes;
  sum += v;
  if (v >= 2) {
    count(v / 2, nodes, sum);
    count(v / 2 - 1, nodes, sum);
  }
}

int main() {
  const int root = 700;
  int nodes = 0;
  unsigned long long expected = 0;
  count(root, nodes, expected);
  CHECK(nodes < 4096);
  Queue start{};
  start.tail = 1;
  start.items[0] = root;
  start.ready[0] = 1;
  Device<Queue> queue(std::vector<Queue>{start});
  Device<unsigned long long> sum(1);
  work<<<24, 64>>>(queue, nodes, sum);
  CUDA(cudaDeviceSynchronize());
  CHECK(sum.host()[0] == 32 * expected);
}
