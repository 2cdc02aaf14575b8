//! block 32
//! out d = np.zeros(32, s32)
//! expect d == [(i * i) if i % 3 == 0 else (i + 10) if i % 3 == 1 else -i for i in range(32)]
struct Shape {
  __device__ virtual int area(int x) const = 0;
};
struct Square : Shape {
  __device__ int area(int x) const override { return x * x; }
};
struct Shift : Shape {
  int by;
  __device__ Shift(int by) : by(by) {}
  __device__ int area(int x) const override { return x + by; }
};
struct Negative : Shape {
  __device__ int area(int x) const override { return -x; }
};
extern "C" __global__ void dispatch(int *d) {
  Square square;
  Shift shift(10);
  Negative negative;
  const Shape *shapes[] = {&square, &shift, &negative};
  d[threadIdx.x] = shapes[threadIdx.x % 3]->area(threadIdx.x);
}
