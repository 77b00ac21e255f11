"""The heap of moments: who has waited longest comes first, each task once."""

from __future__ import annotations

from pipelines.schedule.due_tasks import DueTasks

A, B, C = ("p", "aa"), ("p", "bb"), ("q", "aa")


def test_tasks_come_when_they_are_due_oldest_first() -> None:
    due = DueTasks()
    due.put(A, 30)
    due.put(B, 10)
    due.put(C, 10)
    assert (due.next_moment(), due.pop(9), len(due)) == (10, None, 3)
    assert [due.pop(30), due.pop(30), due.pop(30), due.pop(30)] == [B, C, A, None]
    assert due.next_moment() is None


def test_the_last_word_about_a_task_holds() -> None:
    due = DueTasks()
    due.put(A, 10)
    due.put(B, 15)
    due.put(A, 20)
    assert (len(due), due.next_moment()) == (2, 15)
    assert [due.pop(99), due.pop(99), due.pop(99)] == [B, A, None]


def test_hastening_never_costs_a_place() -> None:
    due = DueTasks()
    due.put(A, 10)
    due.hasten(A, 50)
    assert due.next_moment() == 10
    due.hasten(A, 5)
    due.hasten(B, 7)
    assert [due.pop(99), due.pop(99), due.pop(99)] == [A, B, None]
