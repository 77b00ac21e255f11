"""reg_match: the older spelling of regex_match."""

from transforms.rules.functions.patterns.regex_match import regex_match as reg_match

__all__ = ["reg_match"]
