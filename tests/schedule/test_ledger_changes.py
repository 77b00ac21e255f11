"""What a scheduler asks the ledger once a second: whether anything changed, of which task, and the time."""

from __future__ import annotations

from tests.schedule.sql_ledger import Kept, made
from tests.schedule.tasks import START
from transforms.schedule.failure import Failure
from transforms.schedule.ledger import Outcome


def test_only_tasks_that_changed_are_named(kept: Kept) -> None:
    ledger = kept.ledger
    for name in ("one", "two", "three"):
        ledger.create_task(made(name))
    assert set(ledger.changed_tasks(-1)) == {("default", "one"), ("default", "two"), ("default", "three")}
    seen = ledger.changes()
    assert ledger.changed_tasks(seen) == ()
    turn = kept.claim("two")
    assert ledger.changed_tasks(seen) == (("default", "two"),)
    seen = ledger.changes()
    ledger.renew(turn, 30)
    assert (ledger.changed_tasks(seen), ledger.changes()) == ((), seen), "a lease that goes on is no change"
    ledger.fail(turn, Failure("SQLFailed", "bad"))
    assert ledger.changed_tasks(seen) == (("default", "two"),)
    ledger.set_enabled("default", "one", False)
    assert set(ledger.changed_tasks(seen)) == {("default", "one"), ("default", "two")}
    seen = ledger.changes()
    ledger.succeed(kept.claim("three"), Outcome())
    ledger.retry("default", "three", str(START))
    assert ledger.changed_tasks(seen) == (("default", "three"),)
    seen = ledger.changes()
    ledger.delete_task("default", "one")
    assert ledger.changes() > seen and ledger.changed_tasks(seen) == (), "a task that is gone has nothing to be asked"


def test_the_clock_is_the_ledgers(kept: Kept) -> None:
    kept.at(12.5)
    assert kept.ledger.now_us() == kept.now_us
