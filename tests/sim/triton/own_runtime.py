"""Triton's own runtime on the simulator: `kernel[grid](...)`, its launcher in C, its tensor maps, its autotuner's key.

Run by test_runtime.py in a process whose library path leads to the simulator. The driver takes PTX where it takes machine
code, so Triton's last stage hands over the PTX.
"""

import sys

import torch
import triton
import triton.language as tl
from driver import Driver
from kernels import matmul as products
from kernels import rows
from triton import knobs
from triton.backends.nvidia.driver import CudaDriver, CudaLauncher, CudaUtils
from triton.tools.tensor_descriptor import TensorDescriptor


class SimulatedBoard(CudaDriver):
    """What Triton asks of PyTorch, answered without it."""

    def __init__(self, arch):
        self.arch = arch
        self.utils = CudaUtils()
        self.launcher_cls = CudaLauncher
        self.get_device_capability = lambda device: divmod(self.arch, 10)
        self.get_current_stream = lambda device: 0
        self.get_current_device = lambda: 0
        self.set_current_device = lambda device: None


class Tensor:
    """What Triton needs of an array: its address, type and shape."""

    def __init__(self, driver, host):
        self.driver, self.dtype, self.shape = driver, host.dtype, tuple(host.shape)
        self.bytes = host.numel() * host.element_size()
        self.address = driver.allocate(self.bytes)
        driver.upload(self.address, host.contiguous().reshape(-1).view(torch.uint8).numpy())

    def data_ptr(self):
        return self.address

    def cpu(self):
        self.driver.call("cuCtxSynchronize")
        data = bytearray(self.driver.download(self.address, self.bytes))
        return torch.frombuffer(data, dtype=torch.uint8).view(self.dtype).reshape(self.shape)


def hand_over_ptx(backend, stages, options, language, capability):
    stages["cubin"] = lambda source, metadata: source.encode() + b"\0"


def softmax(driver):
    x = torch.randn(16, 300)
    source, result = Tensor(driver, x), Tensor(driver, torch.zeros(16, 300))
    rows.softmax[(4,)](source, result, 300, 300, 16, 300, BLOCK=512, NUM_STAGES=2)
    assert torch.allclose(result.cpu(), torch.softmax(x, 1), rtol=1e-5, atol=1e-7)


def persistent_product(driver):
    m, n, k = 256, 128, 128
    a, b = torch.randn(m, k).half(), torch.randn(n, k).half()
    tensors = [Tensor(driver, a), Tensor(driver, b), Tensor(driver, torch.zeros(m, n).half())]
    maps = [TensorDescriptor(t, list(t.shape), [t.shape[1], 1], box) for t, box in zip(tensors, ([128, 64], [64, 64], [128, 64]))]
    products.matmul_persistent_host_maps[(3,)](*maps, m, n, k, BM=128, BN=64, BK=64, PROGRAMS=3, SPECIALIZE=False)
    assert torch.allclose(tensors[2].cpu().float(), a.float() @ b.float().T, rtol=2e-3, atol=2e-2)


def cluster_product(driver):
    m = n = k = 128
    a, b = torch.randn(m, k).half(), torch.randn(k, n).half()
    x, y, z = (Tensor(driver, each) for each in (a, b, torch.zeros(m, n).half()))
    products.matmul[(1,)](x, y, z, m, n, k, k, 1, n, 1, n, BM=128, BN=128, BK=32, GROUP=1, ACCUMULATOR=tl.float32, PRECISION="tf32",
                          num_ctas=2)
    assert torch.allclose(z.cpu().float(), a.float() @ b.float(), rtol=2e-3, atol=2e-2)


def main(arch):
    driver = Driver()
    driver.use(arch)
    knobs.runtime.add_stages_inspection_hook = hand_over_ptx
    triton.runtime.driver.set_active(SimulatedBoard(arch))
    torch.manual_seed(1)
    for check in [softmax, persistent_product] + ([cluster_product] if arch >= 90 else []):
        check(driver)
        print(f"{check.__name__} ok")


main(int(sys.argv[1]))
