"""Texts for text-stats: a long one, and some that are slow to read."""

from pydoc_data.topics import topics

#: The Python language reference, as long as a novel.
BOOK = "\n\n".join(topics.values())
#: Texts that some rule of Unicode has to be looked far ahead for.
SLOW = {
    "one long ending": "." * 500_000 + "x",
    "many endings": ". \n" * 200_000,
    "one long word of quotes": "'" * 500_000,
    "one long blank line": "\n" + " " * 500_000 + "x",
    "flags": "🇦🇧" * 130_000,
    "half a flag after each letter": "a🇦" * 200_000,
    "marks in another order than they are sorted in": "a" + "\u0315\u0300" * 260_000,
    "marks of two, one half after the other": "a" + "\u0315" * 260_000 + "\u0300" * 260_000,
    "letters that consist of marks": "a" + "\u0f73" * 340_000,
    "people who are joined": "👩\u200d" * 140_000,
    "half syllables of Hangul": "\u1100\u1161" * 170_000,
}
