"""Hashids: short texts for integers, which look random and can be turned back.

The algorithm is Ivan Akimov's, published at https://hashids.org under the MIT licence, and finished: other implementations give the
same texts. This is written anew from its description.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil

__all__ = ["ALPHABET", "Hashids", "hashids"]

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890"
_SEPARATORS = "cfhistuCFHISTU"
_LETTERS_PER_SEPARATOR = 3.5
_LETTERS_PER_GUARD = 12


@lru_cache(maxsize=16)
def hashids(salt: str, min_length: int, alphabet: str) -> Hashids:
    """The texts for a salt. Raises ValueError for an alphabet of fewer than 16 characters."""
    return Hashids(salt, min_length, alphabet)


class Hashids:
    """Turns integers into texts and back, for one salt, minimal length and alphabet."""

    def __init__(self, salt: str, min_length: int, alphabet: str) -> None:
        self._salt = salt
        self._min_length = min_length
        separators = "".join(mark for mark in _SEPARATORS if mark in alphabet)
        letters = "".join(letter for letter in dict.fromkeys(alphabet) if letter not in separators)
        if len(letters) + len(separators) < 16:
            raise ValueError("an alphabet of 16 different characters or more is needed")
        separators = _shuffled(separators, salt)
        missing = ceil(len(letters) / _LETTERS_PER_SEPARATOR) - len(separators)
        if missing > 0:
            separators, letters = separators + letters[:missing], letters[missing:]
        letters = _shuffled(letters, salt)
        guards = ceil(len(letters) / _LETTERS_PER_GUARD)
        if len(letters) < 3:
            self._guards, self._separators, self._letters = separators[:guards], separators[guards:], letters
        else:
            self._guards, self._separators, self._letters = letters[:guards], separators, letters[guards:]

    def encode(self, numbers: Sequence[int]) -> str:
        """The text for one integer or several, each from 0 on."""
        letters = self._letters
        check = sum(number % (place + 100) for place, number in enumerate(numbers))
        lottery = text = letters[check % len(letters)]
        for place, number in enumerate(numbers):
            letters = _shuffled(letters, (lottery + self._salt + letters)[: len(letters)])
            digits = _digits(number, letters)
            mark = self._separators[number % (ord(digits[0]) + place) % len(self._separators)]
            text += digits + mark
        return self._filled(text[:-1], letters, check)

    def decode(self, text: str) -> list[int]:
        """The integers of a text. Raises ValueError for a text that `encode` would not give."""
        parts = _split(text, self._guards)
        core = parts[1] if len(parts) in (2, 3) else parts[0]
        letters = self._letters
        numbers: list[int] = []
        for part in _split(core[1:], self._separators):
            letters = _shuffled(letters, (core[:1] + self._salt + letters)[: len(letters)])
            if not part or any(digit not in letters for digit in part):
                break
            numbers.append(_number(part, letters))
        if not numbers or self.encode(numbers) != text:
            raise ValueError("this is no text that was made with this salt, minimal length and alphabet")
        return numbers

    def _filled(self, text: str, letters: str, check: int) -> str:
        """At least as long as asked for: guards first, then letters on both sides."""
        if len(text) < self._min_length:
            text = self._guards[(check + ord(text[0])) % len(self._guards)] + text
        if len(text) < self._min_length:
            text += self._guards[(check + ord(text[2])) % len(self._guards)]
        half = len(letters) // 2
        while len(text) < self._min_length:
            letters = _shuffled(letters, letters)
            text = letters[half:] + text + letters[:half]
            surplus = len(text) - self._min_length
            if surplus > 0:
                text = text[surplus // 2 : surplus // 2 + self._min_length]
        return text


def _shuffled(text: str, salt: str) -> str:
    if not salt:
        return text
    letters = list(text)
    total = index = 0
    for place in range(len(letters) - 1, 0, -1):
        code = ord(salt[index])
        total += code
        other = (code + index + total) % place
        letters[place], letters[other] = letters[other], letters[place]
        index = (index + 1) % len(salt)
    return "".join(letters)


def _digits(number: int, letters: str) -> str:
    found = ""
    while True:
        number, digit = divmod(number, len(letters))
        found = letters[digit] + found
        if not number:
            return found


def _number(digits: str, letters: str) -> int:
    number = 0
    for digit in digits:
        number = number * len(letters) + letters.index(digit)
        if number >= 2**64:
            break
    return number


def _split(text: str, marks: str) -> list[str]:
    parts = [""]
    for character in text:
        if character in marks:
            parts.append("")
        else:
            parts[-1] += character
    return parts
