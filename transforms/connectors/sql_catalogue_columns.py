"""Kinds of columns that the catalogue's tables are made of, on every database alike."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

__all__ = ["OPTIONS", "Name", "Text", "metadata"]

metadata = sa.MetaData()
# Names compare byte by byte on every database: MySQL's default collations would call "a" and "A" the same.
Name = sa.String(128).with_variant(mysql.VARCHAR(128, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
Text = sa.Text().with_variant(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mariadb_engine": "InnoDB"}
