"""text-stats against another implementation of Unicode's rules, on a book, and on many scripts."""

from collections import Counter
from pydoc_data.topics import topics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uniseg.graphemecluster import grapheme_clusters
from uniseg.wordbreak import words

from nowlater.timer import within
from operations.text import text_stats

#: The Python language reference, as long as a novel.
BOOK = "\n\n".join(topics.values())
#: Texts that some rule of Unicode has to be looked far ahead for.
SLOW = {
    "one long ending": "." * 500_000 + "x",
    "many endings": ". \n" * 200_000,
    "one long word of quotes": "'" * 500_000,
    "one long blank line": "\n" + " " * 500_000 + "x",
}


def words_of(text: str) -> list[str]:
    return [word for word in words(text) if any(letter.isalnum() for letter in word)]


def test_a_book_is_counted_as_another_implementation_of_unicodes_rules_counts_it() -> None:
    expected = words_of(BOOK)
    frequencies = Counter(word.casefold().replace("’", "'") for word in expected)
    lines = BOOK.split("\n")
    found = text_stats(BOOK, top=50)

    assert found.words == len(expected) > 60_000
    assert found.unique_words == len(frequencies)
    assert [(top.word, top.count) for top in found.top_words] == frequencies.most_common(50)
    assert found.mean_word_length == pytest.approx(sum(map(len, expected)) / len(expected))
    assert (found.characters, found.bytes) == (len(BOOK), len(BOOK.encode()))
    assert found.characters_without_spaces == len("".join(BOOK.split()))
    assert found.lines == len(lines) - (lines[-1] == "")
    assert found.paragraphs == sum(
        bool(line.strip()) and not before.strip()
        for before, line in zip(["", *lines], lines, strict=False)
    )
    assert found.reading_time_s == pytest.approx(len(expected) / 238 * 60, abs=0.1)


@given(st.text())
def test_any_text_is_counted_as_unicode_has_it(text: str) -> None:
    found = text_stats(text)

    assert found.characters == len(list(grapheme_clusters(text)))
    assert found.bytes == len(text.encode())
    assert found.unique_words <= found.words
    assert sum(top.count for top in text_stats(text, top=1000).top_words) == found.words


@given(st.text("aB.!? \n\"'"), st.text("aB.!? \n\"'"))
def test_paragraphs_are_counted_each_for_itself(one: str, other: str) -> None:
    apart, together = (text_stats(one), text_stats(other)), text_stats(f"{one}\n\n{other}")

    for count in ("words", "sentences", "paragraphs"):
        assert getattr(together, count) == sum(getattr(stats, count) for stats in apart)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Hello there. How are you? Fine!", 3),
        ('He said "Stop!" Then he left.', 2),
        ('He said "stop!" and left.', 1),
        ("It was, e.g. here, 3.5 long.", 1),
        ("What?! Really… Yes", 3),
        ("A title\n\nIts text. And more", 3),
        ("これは本です。次の文！終わり", 3),
        ("नमस्ते। आप कैसे हैं?", 2),
        ("...", 0),
        ("", 0),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, count: int) -> None:
    assert text_stats(text).sentences == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("don't, don’t and o'clock", 4),
        ("1,000.5 metres", 2),
        ("well-known", 2),
        ("नमस्ते दुनिया", 2),
        ("Привет, мир", 2),
        ("日本語", 3),
        ("مرحبا بالعالم", 2),
        ("__init__ ____ — 🙂", 1),
        ("", 0),
    ],
)
def test_words_are_those_of_any_script(text: str, count: int) -> None:
    assert text_stats(text).words == count


def test_a_character_is_what_a_reader_takes_for_one() -> None:
    assert text_stats("👩‍👩‍👧🇩🇪é한\r\n").characters == 5


def test_words_are_the_same_whatever_their_case_and_the_encoding_of_their_accents() -> None:
    found = text_stats("Café CAFÉ cafe\u0301 don't DON’T Straße STRASSE")

    assert [(top.word, top.count) for top in found.top_words] == [
        ("café", 3),
        ("don't", 2),
        ("strasse", 2),
    ]


def test_a_text_without_words_has_no_mean() -> None:
    found = text_stats(" … ")

    assert (found.words, found.mean_word_length, found.top_words) == (0, None, [])


@pytest.mark.parametrize("name", SLOW)
def test_a_text_made_to_be_slow_takes_no_more_than_its_length(name: str) -> None:
    """What grows with the square of such a length takes hours, on any machine."""
    found = within(120, lambda: text_stats(SLOW[name]))

    assert found.bytes == len(SLOW[name])
