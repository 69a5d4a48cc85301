"""The grammar of SCPI lines: several commands in one, long and short keywords."""

from __future__ import annotations

VOWELS = "AEIOU"


def short_word(word: str) -> str:
    """The short form of one keyword: four letters, three when the fourth would be a vowel."""
    word = word.upper()
    if len(word) <= 4 or word.startswith("*"):
        return word
    digits = word[len(word.rstrip("0123456789")) :]
    if digits:
        return short_word(word.rstrip("0123456789")) + digits
    return word[:3] if word[3] in VOWELS else word[:4]


def normal_form(header: str) -> str:
    """A header in short keywords without leading colon: ":SOURce:FUNCtion" gives "SOUR:FUNC"."""
    return ":".join(short_word(word) for word in header.strip().lstrip(":").split(":"))


def split_line(line: str) -> list[tuple[str, str, bool]]:
    """(header, argument, is it a question) of each command in a line; a part without leading colon that is one word
    continues where the command before it was."""
    commands = []
    branch = ""
    for part in line.strip().split(";"):
        text = part.strip()
        if not text:
            continue
        header, _, argument = text.partition(" ")
        is_query = header.endswith("?")
        header = header.rstrip("?")
        if header.startswith((":", "*")) or ":" in header or not branch:
            full = header
        else:
            full = f"{branch}:{header}"
        if not header.startswith("*"):
            branch = full.lstrip(":").rpartition(":")[0]
        commands.append((full, argument, is_query))
    return commands
