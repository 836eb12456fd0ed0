"""`python manage.py up` as its operator sees it: started, stopped, killed, refused, mended."""

import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.product import Product, command_of, new_place, remove_place, wait_until_gone


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    place = new_place()
    yield place
    remove_place(place)


@pytest.fixture(scope="module")
def running(place: Path) -> Iterator[Product]:
    """A product on its first start, for the tests that leave it running."""
    with Product(place / "state") as product:
        yield product


@pytest.fixture
def product(running: Product) -> Iterator[Product]:
    """A product on a later start, for the tests that end it. They come last."""
    running.stop()
    with Product(running.state) as product:
        yield product


def is_ready(product: Product) -> bool:
    try:
        with urllib.request.urlopen(f"{product.url}/api/v1/health/ready", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_first_start_prints_the_address_three_links_and_what_to_press(running):
    assert running.lines[0] == f"Ready: http://localhost:{running.port}"
    assert len(running.lines) == 5
    assert "'Read the risk'" in running.lines[4]
    assert len(running.links) == 3
    assert all(link.startswith(f"{running.url}/") for link in running.links.values())


def test_a_second_one_is_told_who_holds_the_lock(running):
    second = Product(running.state)
    second.launch()
    assert second.wait_for_end() == 1
    assert second.output.startswith(
        f"CommandError: Already running at {running.url} as process {running.pid} since"
    )
    assert is_ready(running)


def test_a_port_that_is_taken_is_named_before_anything_starts(place):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        product = Product(place / "unborn", port=taken.getsockname()[1])
        product.launch()
        assert product.wait_for_end() == 1
    assert product.lines == [
        f"CommandError: Cannot listen on 127.0.0.1:{product.port}: Address already in use. Set PORT."
    ]
    assert not (product.state / "postgres").exists()


@pytest.mark.parametrize("name", ["worker", "web", "valkey", "postgres"])
def test_what_dies_comes_back(running, name):
    dead = running.child(name)
    os.kill(dead, signal.SIGKILL)
    running.wait_for(f"{name}: ended with status -9; again in 0.5 s.")
    running.wait_until(lambda: running.child(name) not in {0, dead})
    running.wait_until(lambda: is_ready(running))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_everything_without_a_word(product, number):
    family = product.family()
    assert product.stop(number) == 0
    assert not wait_until_gone(family, seconds=0)
    ready, how_to_sign_in = product.lines  # and no links: it is a later start
    assert ready == f"Ready: http://localhost:{product.port}"
    assert "sign_in_link" in how_to_sign_in


def test_ctrl_c_during_the_first_start_ends_everything(place):
    product = Product(place / "interrupted")
    product.launch()
    product.wait_until(lambda: product.child("training") and product.child("postgres"))
    family = product.family()
    assert product.stop() == 0
    assert not wait_until_gone(family, seconds=0)


def test_a_killed_launcher_leaves_no_process_and_the_next_one_starts(product):
    product.wait_until(lambda: len(product.members("worker")) >= 3)  # with its pool and the beat
    family = product.family()
    os.kill(product.pid, signal.SIGKILL)
    product.process.wait()
    with Product(product.state, port=product.port) as successor:
        assert is_ready(successor)
        assert {pid: command_of(pid) for pid in wait_until_gone(family, seconds=0)} == {}


def test_a_launcher_killed_with_children_that_hang_leaves_no_process(product):
    """Stopped processes get no polite signal: it takes the watchdog."""
    for pid in product.members("web"):
        os.kill(pid, signal.SIGSTOP)
    family = product.family()
    os.kill(product.pid, signal.SIGKILL)
    product.process.wait()
    assert not wait_until_gone(family)
