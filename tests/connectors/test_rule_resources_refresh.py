"""What is loaded once and refreshed in the background, over sources that fail and recover as they are told."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from transforms.connectors.rule_resources_refresh import Refreshed, Retry
from transforms.core.errors import LogsluiceError, NotFound, StoreRejected, StoreUnavailable


class Source:
    """Numbers that count its loads; it fails with ``error`` as long as there is one."""

    def __init__(self, error: Exception | None = None, failures: int = 10**9) -> None:
        self.error = error
        self.failures = failures
        self.tries: list[float] = []
        self.value = 0

    def load(self) -> int:
        self.tries.append(time.monotonic())
        if self.error is not None and len(self.tries) <= self.failures:
            raise self.error
        self.value += 1
        return self.value

    def refresh(self, old: int) -> int:
        assert old == self.value
        return self.load()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_pauses_double_and_begin_anew() -> None:
    retry = Retry(1, 5)
    assert [retry.pause() for _ in range(5)] == [1, 2, 4, 5, 5]
    retry.reset()
    assert retry.pause() == 1
    assert Retry(10, 5).pause() == 10


def test_the_first_load_is_tried_until_it_works() -> None:
    source = Source(StoreUnavailable("gone"), failures=3)
    made = Refreshed("it", source.load, None, 0, Retry(0.05, 0.1))
    assert made.get() == 1 and made.get() == 1
    pauses = [after - before for before, after in zip(source.tries, source.tries[1:], strict=False)]
    assert len(source.tries) == 4 and all(pause >= least for pause, least in zip(pauses, (0.05, 0.1, 0.1), strict=True))


@pytest.mark.parametrize("error", [StoreRejected("no", hint="do", code="Denied"), NotFound("none")])
def test_a_refusal_is_not_tried_again_at_once(error: LogsluiceError) -> None:
    source = Source(error, failures=1)
    made = Refreshed("it", source.load, None, 0, Retry(0.3, 1))
    for _ in range(3):
        with pytest.raises(type(error)) as found:
            made.get()
        assert (found.value.message, found.value.hint, found.value.code) == (error.message, error.hint, error.code)
    assert len(source.tries) == 1
    time.sleep(0.35)
    assert made.get() == 1, "what was mended meanwhile works again"


def test_patience_ends_even_when_pauses_are_long() -> None:
    source = Source(StoreUnavailable("gone"))
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        Refreshed("it", source.load, None, 0, Retry(1_000, 1_000, patience=0.2)).get()
    assert 0.2 <= time.monotonic() - started < 5 and len(source.tries) == 2


def test_a_failing_refresh_keeps_the_old_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    made = Refreshed("the thing", source.load, source.refresh, 0.05, Retry(0.05, 0.05))
    assert made.get() == 1
    for error in (StoreUnavailable("gone"), StoreRejected("wrong password"), RuntimeError("a bug")):
        source.error = error
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            until(lambda said=str(error): said in caplog.text)  # type: ignore[misc]
        assert "the thing cannot be refreshed" in caplog.text
        value = made.get()
        source.error = None
        until(lambda old=value: made.get() > old)  # type: ignore[misc]
    made.close(5)


def test_an_interval_of_centuries() -> None:
    source = Source()
    made = Refreshed("it", source.load, source.refresh, 1e300, Retry(1e300, 1e300))
    assert made.get() == 1
    time.sleep(0.1)
    assert any(thread.name == "refresh of it" for thread in threading.enumerate())
    made.close(5)
    assert not any(thread.name == "refresh of it" for thread in threading.enumerate())


def test_nothing_is_refreshed_that_nobody_holds() -> None:
    source = Source()
    made = Refreshed("forgotten", source.load, source.refresh, 0.05, Retry(0.05, 0.05))
    assert made.get() == 1
    gone = weakref.ref(made)
    del made
    gc.collect()
    until(lambda: gone() is None and not any(thread.name == "refresh of forgotten" for thread in threading.enumerate()))
