"""Rules and parameters as the command line names them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transforms.core.errors import NotFound, ParameterInvalid
from transforms.rules.rule import Rule, compile_rule

__all__ = ["parameters_of", "read_rule", "rule_text"]


def rule_text(path: Path) -> str:
    """The text of a rule's file. Raises NotFound, ParameterInvalid."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", hint="name the file that holds the rule") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterInvalid(f"{path} cannot be read: {error}", hint="a rule is UTF-8 text") from error


def read_rule(path: Path) -> Rule:
    """The rule of a file, compiled. Raises RuleInvalid as well."""
    return compile_rule(rule_text(path), str(path))


def parameters_of(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """``KEY=VALUE`` texts as pairs. Raises ParameterInvalid."""
    pairs = [text.partition("=") for text in given]
    for key, sign, _ in pairs:
        if not sign or not key:
            raise ParameterInvalid("a parameter is KEY=VALUE", hint="--parameter table=users")
    return tuple((key, value) for key, _, value in pairs)
