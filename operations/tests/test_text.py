"""text-stats against another implementation of Unicode's rules, on a book, and on many scripts."""

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uniseg.graphemecluster import grapheme_clusters
from uniseg.wordbreak import words

from nowlater.runtime.time_limit import run_within
from operations.tests.texts import BOOK, SLOW
from operations.text import text_stats


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


@given(st.text() | st.text("a🇩🇪\u0301\u200d👩\u0600 \u0f73"))
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
        ("a🇩🇪b 🇩🇪 x🇩", 3),
        ("สวัสดี", 4),  # as the description says: its letters, with their marks
        ("ភាសា", 2),
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


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("🇩🇪🇫🇷", 2),
        ("🇩🇪🇫", 2),
        ("🇩 🇪", 3),
        ("🇩\u0301🇪", 2),
        ("🇩🇪\u200d👩", 2),
        ("\u0600🇩🇪", 1),
        ("🇩🇪\u0301x", 2),
    ],
)
def test_two_halves_of_a_flag_are_one_character(text: str, count: int) -> None:
    assert text_stats(text).characters == count == len(list(grapheme_clusters(text)))


def test_a_word_with_many_marks_is_the_same_word_each_time() -> None:
    many = "a" + "\u0315\u0300" * 100
    found = text_stats(f"{many} {many.upper()} a\u0315\u0300 à\u0315")

    assert [top.count for top in found.top_words] == [2, 2]


def test_a_text_without_words_has_no_mean() -> None:
    found = text_stats(" … ")

    assert (found.words, found.mean_word_length, found.top_words) == (0, None, [])


@pytest.mark.parametrize("name", SLOW)
def test_a_text_made_to_be_slow_takes_no_more_than_its_length(name: str) -> None:
    """What grows with the square of such a length takes hours, on any machine."""
    found = run_within(120, lambda: text_stats(SLOW[name]))

    assert found.bytes == len(SLOW[name].encode())


@pytest.mark.parametrize("name", SLOW)
def test_four_times_a_text_takes_about_four_times_as_long(name: str) -> None:
    """What grows with the square takes 16 times as long, and 1 MiB of it minutes."""
    whole = SLOW[name]
    quarter_s, whole_s = (_least_seconds(whole[: round(len(whole) * part)]) for part in (0.25, 1))

    assert whole_s < 9 * max(quarter_s, 0.02)


def _least_seconds(text: str) -> float:
    """Return the processor's seconds for a text, of the better of two times."""

    def seconds() -> float:
        began = time.process_time()
        text_stats(text)
        return time.process_time() - began

    return min(seconds(), seconds())
