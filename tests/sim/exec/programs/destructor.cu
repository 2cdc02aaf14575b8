//! block 32
//! out d = np.zeros(32, s32)
//! expect d == [3 * i + 100 if i % 2 else 5 * i + 200 for i in range(32)]
// A virtual destructor makes nvcc emit one that frees, too: nobody calls it here.
struct Shape {
  int *place;
  __device__ Shape(int *place) : place(place) {}
  __device__ virtual ~Shape();
  __device__ virtual int area(int x) const = 0;
};
__device__ Shape::~Shape() { *place += 100; }
struct Three : Shape {
  __device__ Three(int *place) : Shape(place) {}
  __device__ int area(int x) const override { return 3 * x; }
};
struct Five : Shape {
  __device__ Five(int *place) : Shape(place) {}
  __device__ ~Five() override { *place += 100; }
  __device__ int area(int x) const override { return 5 * x; }
};
extern "C" __global__ void destroy(int *d) {
  Three three(d + threadIdx.x);
  Five five(d + threadIdx.x);
  Shape *shape = threadIdx.x % 2 ? (Shape *)&three : &five;
  int area = shape->area(threadIdx.x);
  d[threadIdx.x] += area;
  shape->~Shape();
  // Not again at the end of the scope.
  asm volatile("exit;");
}
