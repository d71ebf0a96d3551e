"""Counts what a text consists of."""

import unicodedata
from collections import Counter
from typing import Annotated

import regex
from msgspec import Meta, Struct

from nowlater import operation

#: Silent reading of English non-fiction: Brysbaert, How many words do we read per minute? (2019).
_WORDS_PER_MINUTE = 238

#: Words as Unicode's default rules bound them (UAX #29): "don't" and "1,000.5" are one each, and so are
#: every ideograph and every letter of Thai: scripts without spaces would need a dictionary.
_WORD = regex.compile(r"(?w)\b_*+[^\W_].*?\b", regex.DOTALL)
#: A flag, or half of one. Whether two halves belong together is to be seen from the first of a run alone.
_FLAG = regex.compile(r"\p{Regional_Indicator}{1,2}")
#: What bounds words and characters as a flag does, and is one code point.
_LIKE_A_FLAG = "×"
#: Combining marks, and the letters that consist of nothing else.
_MARK = r"[\P{Canonical_Combining_Class=0}\u0f73\u0f75\u0f81]"
#: More of them in a row than stream-safe text has (UAX #15): sorting a run takes time that grows with its
#: square, so a joiner is put between.
_MANY_MARKS = regex.compile(rf"{_MARK}{{30}}(?={_MARK})")
_JOINER = "\u034f"
#: User-perceived characters: an emoji of several code points, or a letter and its accents, is one.
_GRAPHEME = regex.compile(r"\X")
#: The end of a sentence, with the quotes and brackets it closes. A full stop before a small letter
#: is none ("e.g. this"); after an abbreviation before a capital it is one ("Mr. Smith"), as in
#: UAX #29. East Asian full stops need no space after them.
_SENTENCE_END = regex.compile(
    r"""(?: [。！？｡]
          | (?<! [\p{Sentence_Terminal}…] ) [\p{Sentence_Terminal}…]++
            (?= [\p{Pe}\p{Pf}"'*_]* (?: \s | $ ) ) )
        (?! [\p{Pe}\p{Pf}"'*_]* \s+ \p{Lowercase} )
        [\p{Pe}\p{Pf}"'*_]*""",
    regex.VERBOSE,
)
_BLANK_LINE = regex.compile(r"\n\s*\n")


def _about(description: str) -> Meta:
    return Meta(description=description)


class WordCount(Struct, frozen=True):
    """A word, caseless, and how often it occurs."""

    word: str
    count: int


class TextStats(Struct, frozen=True):
    """What a text consists of."""

    characters: Annotated[int, _about("As a reader perceives them; a line break is one.")]
    characters_without_spaces: int
    bytes: Annotated[int, _about("In UTF-8.")]
    words: int
    unique_words: Annotated[int, _about("Whatever their case, and however accents are encoded.")]
    sentences: int
    lines: int
    paragraphs: Annotated[int, _about("Runs of lines between blank lines.")]
    mean_word_length: Annotated[float | None, _about("In characters; null without words.")]
    top_words: Annotated[list[WordCount], _about("Of equally frequent ones the earlier first.")]
    reading_time_s: Annotated[float, _about(f"At {_WORDS_PER_MINUTE} words a minute.")]


@operation(timeout=20, attempts=2)
def text_stats(
    text: Annotated[str, Meta(description="The text.", examples=["To be, or not to be."])],
    top: Annotated[int, Meta(ge=0, le=1000, description="How many words to list.")] = 10,
) -> TextStats:
    """Counts a text's characters, words, sentences and paragraphs, and its most frequent words.

    Words and characters are bounded by Unicode's rules (UAX #29). No dictionary finds the words of
    languages that put no spaces between them: each Chinese or Japanese character counts as a word, and so
    does each letter of Thai, Lao, Khmer and Burmese, with its marks.
    """
    without_flags = _FLAG.sub(_LIKE_A_FLAG, text)
    graphemes = _GRAPHEME.findall(without_flags)
    words = _WORD.findall(without_flags)
    frequencies = Counter(map(_caseless, words))
    lines = text.splitlines()
    paragraphs = [p for p in _BLANK_LINE.split("\n".join(lines)) if p.strip()]
    return TextStats(
        characters=len(graphemes),
        characters_without_spaces=sum(not g.isspace() for g in graphemes),
        bytes=len(text.encode(errors="surrogatepass")),
        words=len(words),
        unique_words=len(frequencies),
        sentences=sum(map(_sentences, paragraphs)),
        lines=len(lines),
        paragraphs=len(paragraphs),
        mean_word_length=_mean_length(words),
        top_words=[WordCount(word, n) for word, n in frequencies.most_common(top)],
        reading_time_s=round(len(words) * 60 / _WORDS_PER_MINUTE, 1),
    )


def _caseless(word: str) -> str:
    """Return the form in which equal words are equal (Unicode 3.13, D145)."""
    folded = _MANY_MARKS.sub(rf"\g<0>{_JOINER}", word.replace("’", "'").casefold())
    return unicodedata.normalize("NFC", folded)


def _sentences(paragraph: str) -> int:
    """Count sentences; what follows the last full stop is one more, if it has a word."""
    parts = _SENTENCE_END.split(paragraph)
    return sum(_WORD.search(part) is not None for part in parts)


def _mean_length(words: list[str]) -> float | None:
    if not words:
        return None
    breaks = len(words) - 1
    return (len(_GRAPHEME.findall("\n".join(words))) - breaks) / len(words)
