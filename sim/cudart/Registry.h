//===- Registry.h - Fat binaries, kernels and variables of a program ------===//
// nvcc-built code registers, before main, its fat binaries and what host
// symbols stand for. A fat binary becomes a library of the driver when
// something in it is first used.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_CUDART_REGISTRY_H
#define TILEWRIGHT_SIM_CUDART_REGISTRY_H

#include "sim/cudart/Runtime.h"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tilewright::sim::cudart {

struct ManagedVariable {
  void **hostSlot; ///< receives the address
  std::string name;
};

struct FatBinary {
  const void *image = nullptr;
  std::mutex mutex; ///< guards what follows; held while the driver decodes
  CUlibrary library = nullptr;
  cudaError_t imageError = cudaSuccess; ///< why it can never be loaded
  std::vector<ManagedVariable> managed;
};

class Registry {
public:
  static Registry &instance();

  FatBinary *addBinary(const void *image);
  void removeBinary(FatBinary *binary);
  void addKernel(FatBinary *binary, const void *host, const char *name);
  void addVariable(FatBinary *binary, const void *host, const char *name);
  void addManaged(FatBinary *binary, void **hostSlot, const char *name);

  /// Gives every managed variable of a binary its address.
  cudaError_t placeManaged(FatBinary *binary);

  /// The kernel behind a host stub, or behind a handle in its place.
  cudaError_t findKernel(const void *host, CUkernel &kernel);
  /// Its function in the current context.
  cudaError_t findFunction(const void *host, CUfunction &function);
  /// What `findFunction` was given for a function, for queries.
  const void *hostOf(CUfunction function);

  /// A variable in the current context.
  cudaError_t findVariable(const void *host, CUdeviceptr &address,
                           size_t &bytes);

private:
  struct Symbol {
    FatBinary *binary;
    std::string name;
    CUkernel kernel = nullptr; ///< once it was found
  };
  using SymbolMap = std::unordered_map<const void *, Symbol>;

  cudaError_t load(FatBinary &binary);

  std::mutex mutex; ///< guards the maps; may be held while taking no other
  std::unordered_map<FatBinary *, std::unique_ptr<FatBinary>> binaries;
  SymbolMap kernels, variables;
  std::unordered_map<CUfunction, const void *> hosts;
};

} // namespace tilewright::sim::cudart

#endif // TILEWRIGHT_SIM_CUDART_REGISTRY_H
