"""`machine` is the simulator with the board of the architecture under test.

One architecture for a process: Triton keeps tables of the first target it compiled for, and emits instructions for another
that ptxas refuses.
"""

import pytest
from driver import BOARDS
from launch import Machine


def pytest_addoption(parser):
    parser.addoption("--arch", type=int, choices=sorted(BOARDS), default=max(BOARDS), help="the architecture to compile for")
    parser.addoption("--seconds", metavar="FILE", help="write each kernel's seconds there")
    parser.addoption("--record", metavar="FOLDER", help="write each kernel's first launch there, for mutate.py")


def pytest_collection_modifyitems(config, items):
    """Tests of what only Hopper has are no tests of Ampere."""
    if config.getoption("--arch") < 90:
        config.hook.pytest_deselected(items=[item for item in items if "hopper" in item.fixturenames])
        items[:] = [item for item in items if "hopper" not in item.fixturenames]


@pytest.fixture(scope="session")
def boards(request):
    machine = Machine(request.config.getoption("--arch"), request.config.getoption("--record"))
    yield machine
    if request.config.getoption("--seconds"):
        machine.write_timings(request.config.getoption("--seconds"))


@pytest.fixture
def machine(boards):
    yield boards
    boards.release()


@pytest.fixture
def hopper(machine):
    return machine
