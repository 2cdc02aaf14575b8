//===- Cuda.h - The driver API's declarations, for implementing them ------===//
// Every version of every entry point is declared under its exported name (no
// renaming macros), with default visibility, so that the compiler checks each
// definition against the real ABI.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_CUDA_H
#define TILEWRIGHT_SIM_DRIVER_CUDA_H

#define __CUDA_API_VERSION_INTERNAL
#pragma GCC visibility push(default)
#include <cuda.h>
#pragma GCC visibility pop

#endif // TILEWRIGHT_SIM_DRIVER_CUDA_H
