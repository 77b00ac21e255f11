"""What a job's ledger says is done, to do and replaced: for any runs that jobs can have had."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transforms.core.interval import Interval, merged, without
from transforms.stores.transform_ledger import (
    LONG_PIECES_US,
    MOST_PIECES,
    PIECE_US,
    TransformRun,
    app_id,
    cut_pieces,
    done,
    origin_of,
    pieces_inside,
    to_do,
)

HOURS = st.integers(0, 40)
WANTED = st.tuples(st.integers(0, 40 * PIECE_US), st.integers(1, 20 * PIECE_US)).map(lambda pair: Interval(pair[0], pair[0] + pair[1]))


def histories() -> st.SearchStrategy[list[TransformRun]]:
    """Runs as they come about: each does what was to do of some range, or fails."""

    def history(asked: list[tuple[Interval, bool]]) -> list[TransformRun]:
        runs: list[TransformRun] = []
        for number, (wanted, finished) in enumerate(asked, start=1):
            runs.append(TransformRun("job", number, "finished" if finished else "failed", to_do(wanted, runs), "rule"))
        return runs

    return st.lists(st.tuples(WANTED, st.booleans()), max_size=5).map(history)


def total(pieces: tuple[Interval, ...]) -> int:
    return sum(piece.end - piece.start for piece in pieces)


@given(WANTED, histories())
def test_done_and_to_do_are_the_range(wanted: Interval, runs: list[TransformRun]) -> None:
    left = to_do(wanted, runs)
    assert merged(left) == without(wanted, done(runs))
    assert total(left) == total(merged(left))  # no piece overlaps another
    assert merged([*left, *done(runs)]) == merged([wanted, *done(runs)])
    for piece in left:
        assert piece.start < piece.end and piece.start // PIECE_US == (piece.end - 1) // PIECE_US
    again = [*runs, TransformRun("job", 99, "finished", left, "rule")]
    assert to_do(wanted, again) == ()


@given(WANTED, histories())
def test_what_was_finished_never_overlaps(wanted: Interval, runs: list[TransformRun]) -> None:
    """Otherwise a log would be there twice, under two origins."""
    runs = [*runs, TransformRun("job", 99, "finished", to_do(wanted, runs), "rule")]
    pieces = tuple(piece for run in runs if run.state == "finished" for piece in run.pieces)
    assert total(pieces) == total(merged(pieces))


@given(WANTED, histories())
def test_a_backfill_that_cuts_no_piece_makes_its_range_exactly(wanted: Interval, runs: list[TransformRun]) -> None:
    cut = cut_pieces(wanted, runs)
    made = pieces_inside(wanted, runs)
    assert total(made) == total(merged(made))
    earlier = {piece for run in runs if run.state == "finished" for piece in run.pieces}
    assert {piece for piece in earlier if wanted.start <= piece.start and piece.end <= wanted.end} <= set(made)
    if not cut:
        assert merged(made) == (wanted,)
    else:
        wider = Interval(min(wanted.start, cut[0].start), max(wanted.end, cut[-1].end))
        assert cut_pieces(wider, runs) == () and merged(pieces_inside(wider, runs)) == (wider,)


@given(st.integers(0, 10**12), st.integers(1, 100 * 365 * 24))
def test_long_ranges_have_few_pieces(start: int, hours: int) -> None:
    pieces = to_do(Interval(start, start + hours * PIECE_US), [])
    widths = (PIECE_US, *LONG_PIECES_US)
    assert len(pieces) <= max(MOST_PIECES, hours * PIECE_US // widths[-1]) + 2
    assert any(all(piece.end % width == 0 for piece in pieces[:-1]) for width in widths)


def test_only_finished_runs_count() -> None:
    piece = Interval(0, PIECE_US)
    for state in ("running", "committing", "failed"):
        run = TransformRun("job", 1, state, (piece,), "rule")
        assert done([run]) == () and to_do(piece, [run]) == (piece,) and cut_pieces(Interval(1, 2), [run]) == ()


def test_jobs_of_projects_have_names_of_their_own() -> None:
    assert app_id("p", "j") == "transform/p/j"
    assert len({origin_of(p, j, Interval(*ends)) for p in "ab" for j in "cd" for ends in ((0, 1), (0, 2), (1, 2))}) == 12
