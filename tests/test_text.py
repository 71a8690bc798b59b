"""The text front end: normalisation, pronunciations, limits."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elocute.errors import BadPronunciation, EmptyText, NoPronounceableWord, TextError, TextTooLong
from elocute.phones import is_phone, is_vowel
from elocute.text import read_script
from elocute.text.g2p import G2P, LETTERS, model
from elocute.text.lexicon import ASSET, Lexicon, lexicon, read_cmudict
from elocute.text.reading import MAX_VARIANTS
from elocute.text.script import Script
from elocute.training.g2p import align, distance, estimate, evaluate, training_pairs

CASES = {
    # punctuation, case, quotes, dashes
    "Hello, World!": "hello world",
    "MISTER BROWN DON'T KNOW": "mister brown don't know",
    "“Quoted” (text) [here]…and—more": "quoted text here and more",
    "It’s five o’clock, ‘tis time.": "it's five o'clock 'tis time",
    "rock 'n' roll": "rock 'n roll",
    "the students' books and cats' tails": "the students' books and cats' tails",
    "She said 'hello there' to him": "she said hello there to him",
    "ain't y'all ma'am should've": "ain't y'all ma'am should've",
    "a well-meant twenty-five-year-old": "a well meant twenty five year old",
    "an e-mail": "an e-mail",
    "and/or": "and or",
    "café naïve Zoë": "cafe naive zoe",
    "Ｆｕｌｌ ｗｉｄｔｈ ﬁne": "full width fine",
    "hello世界 🙂 ok 👍🏽": "hello ok",
    # cardinals, decimals, digit strings
    "5 apples, 1,234 pears": "five apples one thousand two hundred and thirty four pears",
    "3.14 and .5": "three point one four and point five",
    "-5 and −7": "minus five and minus seven",
    "agent 007": "agent zero zero seven",
    "1000000 or 100,000,000": "one million or one hundred million",
    "1234567890": "one two three four five six seven eight nine zero",
    "Call 555-1234": "call five five five one two three four",
    "+14155550123": "one four one five five five five zero one two three",
    "#5": "number five",
    "10-15 people": "ten to fifteen people",
    # ordinals, years, dates, fractions
    "1st 2nd 3rd 21st": "first second third twenty first",
    "in 1999, 1905 and 2010": "in nineteen ninety nine nineteen oh five and twenty ten",
    "2000 and 2005": "two thousand and two thousand and five",
    "1914–1918": "nineteen fourteen to nineteen eighteen",
    "the 1990s, '80s and 2010s": "the nineteen nineties eighties and twenty tens",
    "June 5, 2010": "june fifth twenty ten",
    "on 5 May": "on fifth may",
    "Dec. 25": "december twenty fifth",
    "1/2 3/4 2/3": "one half three quarters two thirds",
    "1½ cups": "one and a half cups",
    "24/7": "twenty four seven",
    # money, percent, times, units
    "$5": "five dollars",
    "$1": "one dollar",
    "$3.50": "three dollars fifty",
    "$0.99": "ninety nine cents",
    "£20 and 20€": "twenty pounds and twenty euros",
    "$5 million": "five million dollars",
    "$2bn": "two billion dollars",
    "50% or 12.5 %": "fifty percent or twelve point five percent",
    "at 3:30": "at three thirty",
    "3:05 pm": "three oh five p m",
    "3:00": "three o'clock",
    "12:00 a.m.": "twelve a m",
    "7pm": "seven p m",
    "5kg": "five kilograms",
    "1 kg": "one kilogram",
    "90 km/h": "ninety kilometers per hour",
    "20°C": "twenty degrees celsius",
    "6 ft": "six feet",
    "10k": "ten thousand",
    # abbreviations, initialisms, symbols, addresses
    "Mr. Smith, Mrs Jones and Dr. Brown": "mister smith missus jones and doctor brown",
    "Main St. in St. Louis": "main street in saint louis",
    "e.g. this, i.e. that, etc.": "for example this that is that et cetera",
    "the U.S.A. and a Ph.D.": "the u s a and a p h d",
    "No. 5 is no. I said no.": "number five is no i said no",
    "Nasa met the HGV": "nasa met the h g v",
    "the US and us": "the u s and us",
    "TELL US": "tell us",
    "R&D, MP3 and H2O": "r and d m p three and h two o",
    "COVID-19 came": "covid nineteen came",
    "C++": "c plus plus",
    "3 + 4 = 7": "three plus four equals seven",
    "me@example.com": "me at example dot com",
    "see www.example.org/docs": "see w w w dot example dot org slash docs",
    "Henry VIII and World War II": "henry the eighth and world war two",
}


def spoken(text: str) -> str:
    return " ".join(word.text for word in read_script(text).words)


def said(text: str) -> list[list[str]]:
    return [[" ".join(p.phones) for p in word.pronunciations] for word in read_script(text).words]


@pytest.mark.parametrize(("text", "words"), CASES.items())
def test_normalisation(text: str, words: str) -> None:
    assert spoken(text) == words


def test_words_remember_how_they_were_written() -> None:
    words = read_script("“He’s” paid $5, well-meant.").words
    assert [(word.text, word.written) for word in words] == [
        ("he's", "He’s"), ("paid", "paid"), ("five", "$5"), ("dollars", "$5"),
        ("well", "well"), ("meant", "meant"),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------ pronunciations


def test_variants_come_in_the_order_of_cmudict() -> None:
    assert said("read tomato the") == [
        ["R EH1 D", "R IY1 D"],
        ["T AH0 M EY1 T OW2", "T AH0 M AA1 T OW2"],
        ["DH AH0", "DH AH1", "DH IY0"],
    ]


def test_a_letter_is_not_the_article() -> None:
    assert said("a dog")[0] == ["AH0", "EY1"]
    assert said("an A-level")[1] == said("grade A.")[1] == ["EY1"]


def test_forms_of_known_words_come_from_the_lexicon() -> None:
    flavour, cats, horse = read_script("flavour moonbeam's chaise's").words
    assert [p.phones for p in flavour.pronunciations] == list(lexicon().get("flavor"))
    assert cats.pronunciations[0].phones[-1] == "Z"
    assert horse.pronunciations[0].phones[-2:] == ("IH0", "Z")
    assert {flavour.pronunciations[0].source, cats.pronunciations[0].source} == {"lexicon"}


def test_unknown_words_go_through_g2p() -> None:
    (word,) = read_script("brexitish").words
    assert word.pronunciations[0].source == "g2p"
    assert word.pronunciations[0].phones[:5] == ("B", "R", "EH1", "K", "S")


def test_words_without_vowels_are_spelled() -> None:
    assert said("HGV") == [["EY1 CH JH IY1 V IY1"]]


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("shrek", "SH R EH1 K"),
        ("blogosphere", "B L AO1 G AH0 S F IH2 R"),
        ("telephonist", "T EH1 L AH0 F OW2 N IH0 S T"),
        ("unlockable", "AH0 N L AA1 K AH0 B AH0 L"),
    ],
)
def test_g2p(word: str, phones: str) -> None:
    assert " ".join(model()(word)) == phones


def test_g2p_learns_from_a_small_lexicon() -> None:
    words = lexicon().words()[5_000:65_000:10]
    pairs = training_pairs(lexicon(), words)
    aligned = align(pairs, rounds=3)
    for (word, phones), sequence in zip(pairs, aligned, strict=True):
        assert "".join(letter for letter, _ in sequence) == word
        assert tuple(phone for _, part in sequence for phone in part) == phones
    errors = evaluate(G2P(estimate(aligned, order=4, threshold=0.5)), lexicon(), words[:50])
    assert errors.phone <= errors.phone_with_stress < 0.2


def test_distance() -> None:
    assert distance(("K", "AE", "T"), ("K", "AA", "T", "S")) == 2
    assert distance((), ("K",)) == 1


@given(st.text(LETTERS, max_size=40))
@settings(max_examples=60, deadline=None)
def test_g2p_gives_phones_for_anything(word: str) -> None:
    phones = model()(word)
    assert all(map(is_phone, phones))
    assert model()(word) == phones


def test_user_pronunciations_come_first_in_any_case() -> None:
    given_ = {"Tomato": "t ah0 m aa1 t ow0", "SQL": ["S IY1 K W AH0 L", "EH1 S K Y UW1 EH1 L"]}
    tomato, sql = read_script("tomato SQL", given_).words
    assert [(p.phones, p.source) for p in tomato.pronunciations] == [
        (("T", "AH0", "M", "AA1", "T", "OW0"), "user")
    ]
    assert sql.text == "sql"
    assert len(sql.pronunciations) == 2


@pytest.mark.parametrize("bad", ["", "T OH M", "B1", [], [""], "T-AH0", ["T AH0", "x"], "T " * 1000, [["T"]]])
def test_bad_user_pronunciations(bad: object) -> None:
    with pytest.raises(BadPronunciation, match="tomato"):
        read_script("hello", {"tomato": bad})  # type: ignore[dict-item]


def test_no_more_variants_than_one_can_say() -> None:
    variants = ["T AH0 M EY1 T OW0"] * MAX_VARIANTS
    assert read_script("tomato", {"tomato": variants})
    with pytest.raises(BadPronunciation, match=r"'tomato'.*1 to 16, not 17"):
        read_script("tomato", {"tomato": [*variants, "T AH0 M AA1 T OW0"]})


# -------------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000"])
def test_empty(text: str) -> None:
    with pytest.raises(EmptyText):
        read_script(text)


@pytest.mark.parametrize("text", ["🙂", "你好", "...", "—", "«»", "''", "\u200b", "привет"])
def test_nothing_to_pronounce(text: str) -> None:
    with pytest.raises(NoPronounceableWord):
        read_script(text)


@pytest.mark.parametrize(
    "text",
    ["word " * 301, "word " * 10_000, "x" * 10_000_000, "9" * 10_000, "9" * 301, "a" * 65, "\ufdfa" * 6001,
     "1,000," * 900, "$" * 7000, "9:59" * 1400],
)  # fmt: skip
def test_too_long_is_refused_fast(text: str) -> None:
    lexicon()
    start = time.perf_counter()
    with pytest.raises(TextTooLong):
        read_script(text)
    assert time.perf_counter() - start < 1.0


def test_the_longest_allowed() -> None:
    assert len(read_script("word " * 300).words) == 300
    assert read_script("qu" * 32).words[0].pronunciations[0].phones


@given(st.one_of(st.text(max_size=80), st.text("abzAZ019 .,:;'\"-/$£%@&+#°½éI", max_size=40)))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        script = read_script(text)
    except TextError:
        return
    assert script.text == text
    assert read_script(text) == script
    for word in script.words:
        assert word.text == word.text.lower()
        assert word.written.strip()
        assert word.pronunciations
        for pronunciation in word.pronunciations:
            assert pronunciation.phones
            assert all(map(is_phone, pronunciation.phones))


def test_result_is_a_script() -> None:
    assert isinstance(read_script("hello"), Script)


# ------------------------------------------------------------------------------------------------- lexicon


def test_every_word_of_the_lexicon_is_found() -> None:
    words = lexicon().words()
    assert len(words) > 125_000
    sample = [*words[::97], words[0], words[-1]]
    assert all(lexicon().get(word) and word in lexicon() for word in sample)
    assert lexicon().get("zzyzzx") == ()
    assert "" not in lexicon()
    assert "tab\there" not in lexicon()


def test_lexicon_phones_are_valid_and_nearly_all_words_have_a_vowel() -> None:
    entries = [variant for word in lexicon().words()[::50] for variant in lexicon().get(word)]
    assert all(is_phone(phone) for variant in entries for phone in variant)
    assert sum(any(map(is_vowel, variant)) for variant in entries) / len(entries) > 0.999


def test_cmudict_lines_are_read_with_variants_and_comments() -> None:
    entries = read_cmudict(["a AH0", "a(2) EY1", "aalto AA1 L T OW2 # name, finnish"])
    assert entries == {"a": ["AH0", "EY1"], "aalto": ["AA1 L T OW2"]}
    with pytest.raises(ValueError, match="not ARPAbet"):
        read_cmudict(["a QQ"])


def test_empty_lexicon() -> None:
    assert Lexicon(b"").get("a") == ()


def test_assets_are_small_and_licensed() -> None:
    assert ASSET.stat().st_size < 1_500_000
    assert "Carnegie Mellon" in (ASSET.parent / "LICENSE-cmudict").read_text(encoding="utf-8")


def test_import_is_light() -> None:
    code = "import sys, elocute.text; print({'num2words', 'torch', 'onnxruntime'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
