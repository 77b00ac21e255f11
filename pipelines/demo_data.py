"""The demo's data: a million logs of a game and its fifty thousand users, the same on every machine.

Seeded, skewed (a few users play most), with what real data has: users nobody knows, fields that are missing, users without a
province. Also the source of the benchmarks' data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transforms.core.field_columns import TIME, TIME_NS, column_of
from transforms.core.log_group import LogGroup
from transforms.stores.index import FieldIndex, FullTextIndex, Index

__all__ = ["FIRST_SECOND", "GAME_INDEX", "LOGS", "SECONDS", "USERS", "game_columns", "game_logs", "users"]

LOGS = 1_000_000
USERS = 50_000
FIRST_SECOND = 1_767_196_800
"""2026-01-01 00:00:00 +08:00."""
SECONDS = 86_400

GAME_INDEX = Index(
    FullTextIndex(),
    {
        "userid": FieldIndex("long"), "operation": FieldIndex(), "target": FieldIndex(), "blood": FieldIndex("long"),
        "mana": FieldIndex("long"), "network": FieldIndex(), "payment": FieldIndex(), "money": FieldIndex("long"),
        "status": FieldIndex("long"), "latency": FieldIndex("double"), "bytes": FieldIndex("long"), "click": FieldIndex(),
    },
)  # fmt: skip

_OPERATIONS = ("login", "fight", "move", "trade", "buy", "chat", "logout")
_SHARES = (0.06, 0.40, 0.30, 0.08, 0.05, 0.07, 0.04)
_PROVINCES = ("Zhejiang", "Guangdong", "Shandong", "Sichuan", "Jiangsu", "Hunan", "Henan", "Yunnan")


def game_columns(seed: int, count: int, first: int, seconds: int, users: int) -> dict[str, Any]:
    """Columns of ``count`` game logs over ``[first, first + seconds)``, sorted by time: numpy arrays, masked where a field is missing."""
    import numpy as np

    random = np.random.default_rng(seed)
    operation = random.choice(len(_OPERATIONS), count, p=_SHARES)
    # A power law over users; one log in two hundred is of a user that the table does not have.
    userid = np.minimum((users * random.random(count) ** 3).astype(np.int64) + 1, users)
    userid = np.where(random.random(count) < 0.005, users + 1 + random.integers(0, 1_000, count), userid)
    buys = operation == _OPERATIONS.index("buy")
    return {
        TIME: np.sort(random.integers(first, first + seconds, count)),
        "userid": np.ma.masked_array(userid, random.random(count) < 0.003),
        "operation": np.array(_OPERATIONS)[operation],
        "target": np.char.add("monster-", random.integers(1, 500, count).astype(str)),
        "blood": random.integers(0, 1_000, count),
        "mana": random.integers(0, 500, count),
        "network": np.array(("wifi", "4g", "5g"))[random.integers(0, 3, count)],
        "payment": np.ma.masked_array(np.array(("alipay", "card", "coins"))[random.integers(0, 3, count)], ~buys),
        "money": np.ma.masked_array(random.integers(1, 649, count), ~buys),
        "status": np.array((200, 200, 200, 200, 200, 200, 302, 404, 500, 200))[random.integers(0, 10, count)],
        "latency": np.ma.masked_array(np.round(random.gamma(2.0, 20.0, count), 1), random.random(count) < 0.005),
        "bytes": random.integers(64, 16_384, count),
        "click": np.char.add(np.char.add(random.integers(0, 1_920, count).astype(str), ","), random.integers(0, 1_080, count).astype(str)),
    }


def game_logs(groups: int = 16, *, logs: int = LOGS, users: int = USERS) -> Iterator[LogGroup]:
    """The demo's logs in ``groups`` LogGroups, oldest first."""
    import numpy as np
    import pyarrow as pa

    each, span = logs // groups, SECONDS // groups
    for number in range(groups):
        columns = game_columns(number, each, FIRST_SECOND + number * span, span, users)
        out: dict[str, Any] = {
            TIME: pa.array(columns.pop(TIME), pa.int64()),
            TIME_NS: pa.array(np.zeros(each, np.int32)),
        }
        for name, values in columns.items():
            missing = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
            out[column_of(name)] = pa.array(np.ma.getdata(values), mask=missing).cast(pa.string())
        yield LogGroup(pa.table(out))


def users(count: int = USERS) -> Iterator[tuple[Any, ...]]:
    """Rows of the user table: uid, user_nick, gender, age, balance, province."""
    import numpy as np

    random = np.random.default_rng(1)
    gender, age = random.integers(0, 3, count), random.integers(12, 70, count)
    balance, province = np.round(random.random(count) * 1_000, 2), random.zipf(1.5, count)
    for i in range(count):
        yield (
            i + 1,
            f"player-{i + 1}",
            None if gender[i] == 2 and i % 7 == 0 else int(gender[i]) % 2,
            int(age[i]),
            float(balance[i]),
            None if i % 97 == 0 else _PROVINCES[(int(province[i]) - 1) % len(_PROVINCES)],
        )
