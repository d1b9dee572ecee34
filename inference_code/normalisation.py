"""The one normalisation of a review: prepare.py applies it before training, inference.py before scoring.

It changes how a text is encoded, never what it says: digits, Latin letters, jamo (ㅋㅋ, ㅠㅠ), punctuation
and emoji all stay.
"""

import unicodedata

VERSION = "1"
"""Changes whenever `normalise` gives another answer for any text; the data's manifest records it."""

# Letters or symbols to Unicode, blanks to the eye: people type them where a review must not be empty.
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
_ZERO_WIDTH_JOINER = "\u200d"


def normalise(text: str) -> str:
    """Return the text in NFC, without control or zero-width characters, every run of blanks one space.

    Applying it twice gives the same as applying it once. The result may be empty.
    """
    if not text.isprintable() or any(filler in text for filler in _FILLERS):
        text = "".join(_visible(text, index) for index in range(len(text)))
    return " ".join(unicodedata.normalize("NFC", text).split())


def _visible(text: str, index: int) -> str:
    character = text[index]
    if character.isspace() or character in _FILLERS:
        return " "
    if character == _ZERO_WIDTH_JOINER:
        # Between two pictographs the joiner makes one emoji of them (a family, a profession).
        return character if _pictograph(text, index - 1) and _pictograph(text, index + 1) else ""
    # Cc control, Cf format (zero-width, direction marks), Cs half a surrogate pair, which UTF-8 has not.
    return "" if unicodedata.category(character) in {"Cc", "Cf", "Cs"} else character


def _pictograph(text: str, index: int) -> bool:
    # So symbol, Sk skin tone, Mn the selector that asks for the coloured form.
    return 0 <= index < len(text) and (
        text[index] == "\ufe0f" or unicodedata.category(text[index]) in {"So", "Sk"}
    )
