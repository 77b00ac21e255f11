"""``try`` keeps what fails inside it, whatever else the statement computes of the same."""

from __future__ import annotations

import pyarrow as pa

from transforms.sql.engine import Engine


def test_what_two_tries_have_in_common_fails_in_neither() -> None:
    engine = Engine()
    engine.define_table("words", pa.table({"w": ["x4", "5"]}))
    sql = "select try(cast(w as bigint)) as a, try(cast(w as bigint) + 1) as b from words order by a"
    assert engine.run(sql).to_pylist() == [{"a": 5, "b": 6}, {"a": None, "b": None}]
    assert engine.rows(sql).values == [(5, 6), (None, None)]
    assert [batch.num_rows for batch in engine.batches(sql)] == [2]
    engine.close()
