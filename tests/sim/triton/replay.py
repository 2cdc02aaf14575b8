"""Replays a recorded launch, with other PTX if given, and says whether memory ends as it did: for mutate.py.

usage: replay.py RECORDING [PTX]; prints "same", "differs" or the driver's error.
"""

import pathlib
import sys

from driver import CudaError, Driver
from recording import Launch


def say(launch, ptx=None):
    driver = Driver()
    try:
        after = launch.replay(driver, ptx)
    except CudaError as error:
        print(error.name)
        return
    wrong = [index for index, (got, want) in enumerate(zip(after, launch.after)) if got != want]
    print(f"differs in buffers {wrong}" if wrong else "same")


if __name__ == "__main__":
    say(Launch.read(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text() if len(sys.argv) > 2 else None)
