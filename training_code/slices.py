"""Kinds of texts that a model may do badly on while it does well on the whole.

Each is a function on the normalised text, of a pair on both together, whose docstring is what the report says
of the slice. A text may be in several. That of negation goes by the writing, without a parser: it is nearly
right, not right.
"""

import re
from collections.abc import Callable

SHORT = 15
"""Characters, blanks included: one in four texts of NSMC has no more."""
LONG = 50
"""One in five has more."""

_LATIN = re.compile("[A-Za-zÀ-ÖØ-öø-ɏＡ-Ｚａ-ｚ]")
_DIGIT = re.compile(r"\d")
_BARE_LETTER = re.compile("[ㄱ-ㅎㅏ-ㅣ]")
_NEGATION = re.compile(
    "않|없"
    "|(?<!피)아(?:니|닌|닐|님|닙|냐|녔)"  # 피아니스트, a pianist
    "|(?<!잘)못"  # 잘못, a fault
    # 안 before a predicate, which people write as one word with it, and which is no 안녕, 안내, 안타깝다…
    "|(?<![가-힣])안(?!녕|내|전|정|심|타까|타깝|쓰러|쓰럽|습|에|의|은|이|을|과|팎|구|고|다|아|기|겨"
    "|젤|소니|드로|경|개|방|티|무(?![서섭]))"
    r"|지\s?(?:마(?![음지])|말)"  # 보지 마세요, 하지 말고
)


def short(text: str) -> bool:
    """Up to 15 characters."""
    return len(text) <= SHORT


def medium(text: str) -> bool:
    """16 to 50 characters."""
    return SHORT < len(text) <= LONG


def long(text: str) -> bool:
    """More than 50 characters."""
    return len(text) > LONG


def latin(text: str) -> bool:
    """Has a Latin letter: OST, CG, good."""
    return bool(_LATIN.search(text))


def digits(text: str) -> bool:
    """Has a digit: 10점, 2시간."""
    return bool(_DIGIT.search(text))


def slang(text: str) -> bool:
    """Has a Hangul letter that is no syllable: ㅋㅋ, ㅠㅠ, ㄷㄷ."""
    return bool(_BARE_LETTER.search(text))


def negation(text: str) -> bool:
    """Has a negation: 안, 못, 않다, 없다, 아니다, -지 마."""
    return bool(_NEGATION.search(text))


SLICES: dict[str, Callable[[str], bool]] = {
    contains.__name__: contains for contains in (short, medium, long, latin, digits, slang, negation)
}
"""By name."""
