"""The texts of a request, normalised as those that the model was trained on."""

import re
import unicodedata
from dataclasses import dataclass

from normalisation import normalise
from parameters import DEFAULT, Parameters
from refusals import RequestError, shown

# In a request: it must be answered within the minute that the server gives the handlers.
MOST_TEXTS = 10_000
# Of one text; it is cut to the model's length in tokens only after it was read as a whole.
MOST_CHARACTERS = 100_000
# Combining marks upon one letter: the time to put them into Unicode's order grows with their square.
MOST_MARKS = 500

# Halves of surrogate pairs, which no encoding of Unicode may hold.
SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Text:
    """A text, or a pair of texts, as the model is to see it."""

    text: str
    pair: str | None = None
    parameters: Parameters = DEFAULT
    where: str = ""
    """Its place in the request, for what is said about it."""

    @property
    def given(self) -> str | tuple[str, str]:
        """The text or the pair, as the tokenizer takes it."""
        return self.text if self.pair is None else (self.text, self.pair)

    @property
    def characters(self) -> int:
        """How long it is."""
        return len(self.text) + len(self.pair or "")


def check_number(number: int, most: int | None, where: str) -> None:
    """Refuse, as a RequestError, more texts than `most`."""
    if most is not None and number > most:
        message = f"there are {number} texts; send at most {most} in a request"
        raise RequestError(413, "too_many_texts", message, where)


def json_type(value: object) -> str:
    """Return what JSON calls a value, with an article."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list"}
    return "null" if value is None else names.get(type(value), "an object")


def normalised(text: object, where: str) -> str:
    """Return a text of the request, normalised.

    Raises:
        RequestError: it is none, or it is empty, or too long.
    """
    if not isinstance(text, str):
        raise RequestError(400, "wrong_type", f"it must be a text, not {json_type(text)}", where)
    if len(text) > MOST_CHARACTERS:
        message = f"the text has {len(text)} characters; send at most {MOST_CHARACTERS}"
        raise RequestError(413, "text_too_long", message, where)
    if half := SURROGATES.search(text):
        message = (
            f"character {half.start()} of the text is {shown(half[0])}, half of a surrogate pair; "
            "cut texts between characters, not within an emoji"
        )
        raise RequestError(400, "half_character", message, where)
    if len(text) > MOST_MARKS and _most_marks(text) > MOST_MARKS:
        message = f"more than {MOST_MARKS} combining marks stand upon one letter; remove them"
        raise RequestError(400, "too_many_marks", message, where)
    text = normalise(text)
    if not text:
        message = "the text has no visible character; leave it out, or send some text"
        raise RequestError(400, "empty_text", message, where)
    return text


def _most_marks(text: str) -> int:
    """Return how many combining marks follow on one another, what normalise removes left out."""
    most = count = 0
    for character in text:
        if unicodedata.combining(character):
            count += 1
            most = max(most, count)
        elif character.isprintable() or character.isspace():
            count = 0
    return most
