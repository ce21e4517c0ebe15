"""However a stack ends, none of its processes is left.

That a stack which is stopped leaves none, every `LiveStack.stop` looks at; `gated_stack` ends as its terminal hangs up.
"""

import pytest

from tests.support.live_stack import LiveStack, wait_until_gone

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One data folder for both: the first start prepares it, the other finds it as the end left it."""
    return tmp_path_factory.mktemp("own") / "var"


@pytest.fixture
def own_stack(folder):
    """A stack that this test may end."""
    stack = LiveStack(folder, is_new=True)
    stack.log.unlink(missing_ok=True)
    stack.start()
    yield stack
    stack.stop()


def test_killed_supervisor_leaves_no_process(own_stack):
    supervisor = own_stack.supervisor
    processes = supervisor.children(recursive=True)
    assert len(processes) > 7

    supervisor.kill()

    wait_until_gone(processes)


def test_wrong_configuration_stops_the_stack_with_its_sentence(folder):
    stack = LiveStack(folder, is_new=True, TEST_VISIBILITY_SECONDS="10")
    stack.log.unlink(missing_ok=True)

    with pytest.raises(AssertionError) as failed:
        stack.start()

    assert "The visibility timeout (10 s) must be longer than the hard time limit" in str(failed.value)
