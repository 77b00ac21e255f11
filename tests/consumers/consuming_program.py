"""A process that consumes: beats, saves one position after the other, and tells each thing that was accepted as a line of JSON.

On SIGUSR1 it stops itself (SIGSTOP) between a beat and its saves. Stopped from outside it might hold the database's lock, and all others
would wait for it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from tests.consumers.logs_in_shards import LogsInShards, cursor_at
from transforms.connectors.sql_catalogue_engine import make_engine
from transforms.connectors.sql_consumer_groups import sql_consumer_groups
from transforms.core.errors import LogsluiceError

SHARDS = 4


def logs() -> LogsInShards:
    made = LogsInShards.of(SHARDS)
    for shard in range(SHARDS):
        made.append(0, 100_000, shard=shard)
    return made


def tell(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def consume(url: str, name: str, incarnation: str) -> None:
    groups = sql_consumer_groups(make_engine(url), "shop", "nginx", logs().extents)
    held: dict[int, tuple[int, int]] = {}
    pauses: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: pauses.append(number))
    while True:
        try:
            told = {one.shard: one for one in groups.heartbeat("jobs", name, tuple(held), incarnation=incarnation)}
            places = {shard: 0 if one.checkpoint is None else one.checkpoint.row for shard, one in told.items()}
            held = {shard: held.get(shard, (one.epoch, places[shard])) for shard, one in told.items()}
            held = {shard: kept if kept[0] == told[shard].epoch else (told[shard].epoch, places[shard]) for shard, kept in held.items()}
        except LogsluiceError as refusal:
            tell(refused=refusal.code)
            held = {}
        if held and pauses:
            pauses.clear()
            os.kill(os.getpid(), signal.SIGSTOP)
        for shard, (epoch, place) in list(held.items()):
            try:
                groups.save_checkpoint("jobs", shard, cursor_at(place + 1), consumer=name, epoch=epoch)
                held[shard] = (epoch, place + 1)
                tell(shard=shard, epoch=epoch, place=place + 1)
            except LogsluiceError as refusal:
                tell(refused=refusal.code)
                del held[shard]
        time.sleep(0.02)


if __name__ == "__main__":
    consume(*sys.argv[1:])
