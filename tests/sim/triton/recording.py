"""A launch as data: PTX, shape, parameters and the memory before and after, so that it can be replayed without Triton.

mutate.py replays recorded launches with altered PTX.
"""

import dataclasses
import hashlib
import pathlib
import pickle
import struct

from driver import TensorMap


@dataclasses.dataclass
class Launch:
    arch: int
    ptx: str
    entry: str
    shape: dict
    # bytes, ("buffer", index), or ("map", index, TensorMap with base 0).
    parameters: list
    before: list
    after: list
    # (buffer, slot of 8 bytes, buffer pointed to): grouped products pass tables of addresses.
    pointers: list = dataclasses.field(default_factory=list)
    # Buffers that nobody has written before the launch: their bytes in `before` only give the size.
    unwritten: list = dataclasses.field(default_factory=list)

    def save(self, path):
        path.write_bytes(pickle.dumps(self))

    @staticmethod
    def read(path):
        return pickle.loads(pathlib.Path(path).read_bytes())

    def replay(self, driver, ptx=None):
        """Runs the launch from its starting memory; returns the memory after it."""
        driver.use(self.arch)
        buffers = []
        for index, data in enumerate(self.before):
            buffers.append(driver.allocate(len(data)))
            if index not in self.unwritten:
                driver.upload(buffers[-1], data)
        for table, slot, target in self.pointers:
            driver.upload(buffers[table] + 8 * slot, struct.pack("Q", buffers[target]))
        function = driver.function(driver.load(ptx or self.ptx), self.entry)
        driver.launch(function, parameters=[self.place(driver, buffers, each) for each in self.parameters], **self.shape)
        return [driver.download(address, len(data)) for address, data in zip(buffers, self.before)]

    @staticmethod
    def place(driver, buffers, parameter):
        if isinstance(parameter, bytes):
            return parameter
        if parameter[0] == "buffer":
            return struct.pack("Q", buffers[parameter[1]])
        return driver.encode(dataclasses.replace(parameter[2], base=buffers[parameter[1]]))


class Recorder:
    """Writes each distinct kernel's first launch into a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pending = None

    def before(self, driver, ptx, entry, shape, values, live):
        name = f"{entry}-{driver.current}-{hashlib.sha256(ptx.encode()).hexdigest()[:8]}.launch"
        self.pending = None
        if (self.folder / name).exists():
            return
        index = {tensor.address: number for number, tensor in enumerate(live)}
        parameters = []
        for value in values:
            if isinstance(value, bytes):
                parameters.append(value)
            elif isinstance(value, TensorMap):
                parameters.append(("map", index[value.base], dataclasses.replace(value, base=0)))
            else:
                parameters.append(("buffer", index[value.address]))
        before = [driver.download(tensor.address, tensor.bytes) for tensor in live]
        pointers = [(table, slot, index[address]) for table, data in enumerate(before)
                    for slot, address in enumerate(addresses(data)) if address in index]
        launch = Launch(driver.current, ptx, entry, shape, parameters, before, [], pointers)
        self.pending = (launch, self.folder / name, list(live))

    def after(self, driver):
        if self.pending:
            launch, path, live = self.pending
            launch.after = [driver.download(tensor.address, tensor.bytes) for tensor in live]
            launch.save(path)


def addresses(data):
    """The 8-byte words of a small buffer; tables of pointers are small."""
    if len(data) % 8 or len(data) > 4096:
        return []
    return struct.unpack(f"{len(data) // 8}Q", data)
