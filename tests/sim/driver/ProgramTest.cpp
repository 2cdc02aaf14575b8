//===- ProgramTest.cpp - A foreign program on the simulated driver --------===//
// Compiles a program against the toolkit's cuda.h with the system's compiler,
// and its kernel with nvcc, then runs it with the simulator as libcuda.so.1.
//===----------------------------------------------------------------------===//

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/wait.h>

namespace fs = std::filesystem;

static const char *const kKernel = R"cu(
struct Range { int first, count; float scale; };

extern "C" __global__ void axpy(const float *x, float *y, Range range) {
  __shared__ float tile[128];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  tile[threadIdx.x] = i < range.count ? x[range.first + i] : 0.0f;
  __syncthreads();
  if (i < range.count)
    y[range.first + i] = fmaf(range.scale, tile[threadIdx.x], y[range.first + i]);
}
)cu";

static const char *const kProgram = R"cpp(
#include <cuda.h>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

struct Range { int first, count; float scale; };

#define CHECK(call)                                                            \
  if (CUresult error = (call)) {                                               \
    const char *name = "?";                                                    \
    cuGetErrorName(error, &name);                                              \
    fprintf(stderr, "%s: %s\n", #call, name);                                  \
    return 1;                                                                  \
  }

int main(int argc, char **argv) {
  std::ifstream file(argv[1], std::ios::binary);
  std::string image((std::istreambuf_iterator<char>(file)), {});
  CHECK(cuInit(0));
  CUdevice device;
  CUcontext context;
  CUmodule module;
  CUfunction axpy;
  char name[64];
  CHECK(cuDeviceGet(&device, 0));
  CHECK(cuDeviceGetName(name, sizeof name, device));
  CHECK(cuCtxCreate(&context, nullptr, 0, device));
  CHECK(cuModuleLoadData(&module, image.c_str()));
  CHECK(cuModuleGetFunction(&axpy, module, "axpy"));
  std::vector<float> x(1000), y(1000);
  for (int i = 0; i < 1000; ++i) {
    x[i] = float(i);
    y[i] = 0.5f;
  }
  CUdeviceptr dx, dy;
  CHECK(cuMemAlloc(&dx, 4000));
  CHECK(cuMemAlloc(&dy, 4000));
  CHECK(cuMemcpyHtoD(dx, x.data(), 4000));
  CHECK(cuMemcpyHtoD(dy, y.data(), 4000));
  Range range = {10, 900, 3.0f};
  void *params[] = {&dx, &dy, &range};
  CHECK(cuLaunchKernel(axpy, 8, 1, 1, 128, 1, 1, 0, nullptr, params, nullptr));
  CHECK(cuMemcpyDtoH(y.data(), dy, 4000));
  for (int i = 0; i < 1000; ++i) {
    float expected = i >= 10 && i < 910 ? 3.0f * i + 0.5f : 0.5f;
    if (y[i] != expected) {
      fprintf(stderr, "y[%d] = %g, not %g\n", i, y[i], expected);
      return 1;
    }
  }
  printf("right on %s\n", name);
  CHECK(cuCtxDestroy(context));
  return 0;
}
)cpp";

namespace {
struct Outcome {
  int exitCode = -1;
  std::string output; ///< both streams
};

class ProgramTest : public ::testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sim-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { fs::remove_all(folder); }

  std::string write(const std::string &name, const char *text) {
    std::string path = (folder / name).string();
    std::ofstream(path) << text;
    return path;
  }

  static Outcome run(const std::string &command) {
    Outcome outcome;
    FILE *pipe = popen((command + " 2>&1").c_str(), "r");
    if (!pipe)
      return outcome;
    char buffer[4096];
    while (size_t bytes = fread(buffer, 1, sizeof buffer, pipe))
      outcome.output.append(buffer, bytes);
    outcome.exitCode = WEXITSTATUS(pclose(pipe));
    return outcome;
  }

  void expectSuccess(const std::string &command) {
    Outcome outcome = run(command);
    ASSERT_EQ(outcome.exitCode, 0) << command << "\n" << outcome.output;
  }

  /// Builds the program, linked against libcuda as any program is.
  std::string buildProgram() {
    std::string source = write("program.cpp", kProgram);
    std::string program = (folder / "program").string();
    expectSuccess("g++ -O1 -I" TILEWRIGHT_CUDA_INCLUDE " " + source + " -o " +
                  program + " -L" TILEWRIGHT_SIM_LIBDIR " -l:libcuda.so.1");
    return program;
  }

  /// `arguments` choose what nvcc writes.
  std::string compileKernel(const std::string &arguments,
                            const std::string &name) {
    std::string out = (folder / name).string();
    // A sanitizer's runtime that is meant for the simulator does nvcc's own
    // processes no good.
    expectSuccess("env -u LD_PRELOAD " TILEWRIGHT_NVCC " " + arguments + " " +
                  write("kernel.cu", kKernel) + " -o " + out);
    return out;
  }

  static constexpr const char *kEnvironment =
      "LD_LIBRARY_PATH=" TILEWRIGHT_SIM_LIBDIR " ";

  fs::path folder;
};
} // namespace

TEST_F(ProgramTest, RunsPtxAndFatBinariesOfNvcc) {
  std::string program = buildProgram();
  std::string ptx = compileKernel("-ptx -arch=sm_90a", "kernel.ptx");
  Outcome outcome = run(kEnvironment + program + " " + ptx);
  EXPECT_EQ(outcome.exitCode, 0) << outcome.output;
  EXPECT_EQ(outcome.output, "right on NVIDIA H800\n");

  std::string fatbin =
      compileKernel("-fatbin -gencode arch=compute_90a,code=compute_90a "
                    "-gencode arch=compute_90,code=sm_90 --compress-mode=none",
                    "kernel.fatbin");
  outcome = run(kEnvironment + program + " " + fatbin);
  EXPECT_EQ(outcome.output, "right on NVIDIA H800\n");

  // Packed as nvcc does it by default (Zstandard), and the fast way (LZ4).
  for (const char *mode : {"", "--compress-mode=speed"}) {
    std::string packed = compileKernel(
        std::string("-fatbin -gencode arch=compute_90a,code=compute_90a ") +
            mode,
        "packed.fatbin");
    outcome = run(kEnvironment + program + " " + packed);
    EXPECT_EQ(outcome.output, "right on NVIDIA H800\n") << mode;
  }
}

TEST_F(ProgramTest, MachineCodeAloneIsRefusedWithAdvice) {
  std::string program = buildProgram();
  std::string cubin = compileKernel("-cubin -arch=sm_90a", "kernel.cubin");
  Outcome outcome = run(kEnvironment + program + " " + cubin);
  EXPECT_EQ(outcome.exitCode, 1);
  EXPECT_NE(outcome.output.find("CUDA_ERROR_NO_BINARY_FOR_GPU"),
            std::string::npos)
      << outcome.output;
  EXPECT_NE(outcome.output.find("load the PTX text"), std::string::npos)
      << outcome.output;
}

TEST_F(ProgramTest, TheSkuComesFromTheEnvironment) {
  std::string program = buildProgram();
  std::string ptx = compileKernel("-ptx -arch=sm_90a", "kernel.ptx");
  std::string call = program + " " + ptx;
  std::string environment = kEnvironment;
  Outcome outcome = run(environment + "TILEWRIGHT_SIM_SKU=h20 " + call);
  EXPECT_EQ(outcome.output, "right on NVIDIA H20\n");
  outcome =
      run(environment +
          "TILEWRIGHT_SIM_SKU=" TILEWRIGHT_SKU_SOURCE_DIR "/h200.json " + call);
  EXPECT_EQ(outcome.output, "right on NVIDIA H200\n");
  outcome = run(environment + "TILEWRIGHT_SIM_SKU=h900 " + call);
  EXPECT_EQ(outcome.exitCode, 1);
  EXPECT_NE(outcome.output.find("no SKU 'h900'"), std::string::npos)
      << outcome.output;
  EXPECT_NE(outcome.output.find("CUDA_ERROR_NO_DEVICE"), std::string::npos);
  outcome =
      run(environment + "TILEWRIGHT_SKU_DIR=" + folder.string() + " " + call);
  EXPECT_NE(outcome.output.find("no SKU 'h800-sxm'"), std::string::npos)
      << outcome.output;
}
