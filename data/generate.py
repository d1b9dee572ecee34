"""Write data/reviews/reviews.tsv from data/source: the same bytes every time, on any machine.

Some sentences are written by hand (positive.txt, negative.txt); the others are composed from
grammar.toml, where a particle follows its noun's final consonant and the endings follow the
predicate's stem. Run `python -m data.generate` after a change of the source.
"""

import hashlib
import random
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"
REVIEWS = HERE / "reviews" / "reviews.tsv"

POLARITIES = ("negative", "positive")  # index = label, as in NSMC
ROWS_PER_LABEL = 1_250
SEED = 20261122
SHORTEST, LONGEST = 5, 80  # characters

# How often a composed sentence is about each domain.
DOMAINS = ("screen",) * 6 + ("cafe",) * 2 + ("delivery",) * 2 + ("shop",) * 2

# Both labels laugh and cry, so that a mark alone never decides.
MARKS = (
    ("", "", "", "", ".", ".", "..", "...", "!", " ㅋㅋ", " ㅠㅠ", " ㅠㅠ", " ㅡㅡ"),
    ("", "", "", "", ".", ".", "..", "!", "!!", " ㅋㅋ", " ㅠㅠ", " ㅎㅎ", " ^^"),
)

T = TypeVar("T")
Review = tuple[str, int]


class Dice:
    """Choices that stay the same on every Python version.

    Of the random module only random() keeps its sequence from version to version:
    https://docs.python.org/3/library/random.html#notes-on-reproducibility
    """

    def __init__(self, seed: int) -> None:
        """Start the sequence that belongs to `seed`."""
        self._random = random.Random(seed)  # noqa: S311 - sentences, not secrets

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options, each equally likely."""
        return options[int(self._random.random() * len(options))]

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self._random.random() < probability


def final_consonant(text: str) -> int:
    """Return the number of the last syllable's final consonant (0: none) as Unicode counts them."""
    last = text[-1]
    if "가" <= last <= "힣":
        return (ord(last) - ord("가")) % 28
    # Latin letters are read by their names: 엘, 엠, 엔, 알 end in a consonant.
    return 1 if last in "LMNR" else 0


def with_final(text: str, consonant: int) -> str:
    """Return the text with a final consonant under its last, open syllable (좋아 → 좋았)."""
    return text[:-1] + chr(ord(text[-1]) + consonant)


def subject(noun: str) -> str:
    """Return the noun with 이 or 가."""
    return noun + ("이" if final_consonant(noun) else "가")


def topic(noun: str) -> str:
    """Return the noun with 은 or 는."""
    return noun + ("은" if final_consonant(noun) else "는")


@dataclass(frozen=True)
class Predicate:
    """An adjective, a verb or a noun with the copula, and the endings it can take.

    `stem` is the dictionary form without 다 (아름답), `infinitive` the form before 요 or 서
    (아름다워), `kind` is explained at the top of grammar.toml.
    """

    stem: str
    infinitive: str
    kind: str = ""

    @property
    def past(self) -> str:
        """The past stem: 아름다웠."""
        return with_final(self.infinitive, 20)

    @property
    def before_n(self) -> str:
        """The stem before 네요, where a final ㄹ falls out: 길 → 기."""
        return with_final(self.stem, -8) if final_consonant(self.stem) == 8 else self.stem

    @property
    def polite(self) -> str:
        """The present polite form: 아름다워요, 감동적이에요, 최고예요."""
        if self.kind == "n":
            return self.stem + ("에요" if self.stem.endswith("이") else "예요")
        return self.infinitive + "요"

    def final(self, dice: Dice) -> str:
        """Return the predicate as the end of a sentence."""
        return dice.pick(
            (
                self.past + "다",
                self.past + "어요",
                self.past + "습니다",
                self.past + "음",
                self.polite,
                self.polite,
                self.before_n + "네요",
                self.stem + dice.pick(("더라", "더라고요", "던데요")),
                self.stem + "야" if self.kind == "n" and not self.stem.endswith("이") else self.past + "어",
            )
        )

    def but(self, dice: Dice) -> str:
        """Return the predicate before something that contrasts with it."""
        return dice.pick((self.past + "는데", self.past + "지만", self.stem + "지만", self.past + "으나"))

    def and_(self) -> str:
        """Return the predicate before another one of the same kind."""
        return (self.past if self.kind == "n" else self.stem) + "고"

    def because(self) -> str:
        """Return the predicate as a reason."""
        return self.stem + "라서" if self.kind == "n" else self.infinitive + "서"

    def not_(self, dice: Dice) -> str:
        """Return the negated predicate as the end of a sentence."""
        return self.stem + "지 " + dice.pick(("않았다", "않아요", "않네요", "않았어요", "않음", "않더라고요"))


@dataclass(frozen=True)
class Topic:
    """Nouns, and what can be said of each of them; `opinions` is indexed by the label."""

    nouns: tuple[str, ...]
    opinions: tuple[tuple[Predicate, ...], tuple[Predicate, ...]]
    whole: bool

    def opinion(self, dice: Dice, label: int) -> Predicate:
        """Return one predicate of the label."""
        return dice.pick(self.opinions[label])


class Composer:
    """Composes reviews of one domain (screen, cafe, delivery or shop) from the grammar."""

    def __init__(self, grammar: dict[str, Any], domain: str, dice: Dice) -> None:
        """Read the domain's part of the grammar."""
        self.dice = dice
        self.common = grammar["any"]
        self.own = grammar[domain]
        self.topics = [
            Topic(
                tuple(entry["nouns"]),
                (
                    tuple(Predicate(*text.split("/")) for text in entry["negative"]),
                    tuple(Predicate(*text.split("/")) for text in entry["positive"]),
                ),
                entry.get("whole", False),
            )
            for entry in self.own["topics"]
        ]
        self.parts = [topic for topic in self.topics if not topic.whole]
        self.wholes = [topic for topic in self.topics if topic.whole]

    def compose(self, label: int) -> str:
        """Return one sentence of the label."""
        shapes: tuple[Callable[[int], str], ...] = (
            self._plain,
            self._plain,
            self._two_opinions,
            self._contrast,
            self._reason,
            self._reason,
            self._hedged,
            self._negated,
            self._verdict,
            self._bare,
            self._bare,
            self._overall,
            self._overall,
        )
        shape = self.dice.pick(shapes)
        sentence: str = shape(label)
        if self.dice.chance(0.3):
            openers = self.common["openers"]
            # 봤는데 before 좋았는데 would be two turns in one breath.
            if shape not in (self._contrast, self._hedged):
                openers = openers + self.own["openers"] * 2 + self.own[POLARITIES[label]]["openers"]
            sentence = f"{self.dice.pick(openers)} {sentence}"
        return sentence + self.dice.pick(MARKS[label])

    def _adverb(self, predicate: Predicate) -> str:
        if not self.dice.chance(0.45):
            return ""
        adverbs = self.common["copula_adverbs" if predicate.kind == "n" else "adverbs"]
        return f"{self.dice.pick(adverbs)} "

    def _two_topics(self) -> tuple[Topic, Topic]:
        first = self.dice.pick(self.parts)
        return first, self.dice.pick([topic for topic in self.parts if topic is not first])

    def _plain(self, label: int) -> str:
        topic_ = self.dice.pick(self.topics)
        predicate = topic_.opinion(self.dice, label)
        noun = self.dice.pick(topic_.nouns)
        return f"{subject(noun)} {self._adverb(predicate)}{predicate.final(self.dice)}"

    def _two_opinions(self, label: int) -> str:
        first, second = self._two_topics()
        opinion = second.opinion(self.dice, label)
        return (
            f"{self.dice.pick(first.nouns)}도 {first.opinion(self.dice, label).and_()} "
            f"{self.dice.pick(second.nouns)}도 {self._adverb(opinion)}{opinion.final(self.dice)}"
        )

    def _contrast(self, label: int) -> str:
        # The last clause is the one that counts: 연기는 좋았는데 이야기가 지루했다.
        first, second = self._two_topics()
        opinion = second.opinion(self.dice, label)
        return (
            f"{topic(self.dice.pick(first.nouns))} {first.opinion(self.dice, 1 - label).but(self.dice)} "
            f"{subject(self.dice.pick(second.nouns))} {self._adverb(opinion)}{opinion.final(self.dice)}"
        )

    def _reason(self, label: int) -> str:
        topic_ = self.dice.pick(self.topics)
        predicate = topic_.opinion(self.dice, label)
        noun = self.dice.pick(topic_.nouns)
        result = self.dice.pick(self.own[POLARITIES[label]]["results"])
        return f"{subject(noun)} {self._adverb(predicate)}{predicate.because()} {result}"

    def _hedged(self, label: int) -> str:
        topic_ = self.dice.pick(self.parts)
        predicate = topic_.opinion(self.dice, 1 - label)
        noun = self.dice.pick(topic_.nouns)
        hedged = self.dice.pick(self.common[POLARITIES[label]]["hedged"])
        return f"{topic(noun)} {'좀 ' if label else ''}{predicate.but(self.dice)} {hedged}"

    def _negated(self, label: int) -> str:
        topic_ = self.dice.pick(self.topics)
        return f"{subject(self.dice.pick(topic_.nouns))} {self._denial(topic_, label)}"

    def _bare(self, label: int) -> str:
        # In Korean the subject is left out as soon as it is plain: 재미있어요.
        topic_ = self.dice.pick(self.wholes)
        if self.dice.chance(0.4):
            return self._denial(topic_, label)
        predicate = topic_.opinion(self.dice, label)
        return self._adverb(predicate) + predicate.final(self.dice)

    def _denial(self, topic_: Topic, label: int) -> str:
        adverb = ""
        if self.dice.chance(0.6):
            adverb = self.dice.pick(self.common[POLARITIES[label]]["weak_negations"]) + " "
        deniable = [predicate for predicate in topic_.opinions[1 - label] if not predicate.kind]
        return adverb + self.dice.pick(deniable).not_(self.dice)

    def _verdict(self, label: int) -> str:
        topic_ = self.dice.pick(self.topics)
        predicate = topic_.opinion(self.dice, label)
        noun = self.dice.pick(topic_.nouns)
        result = self.dice.pick(self.own[POLARITIES[label]]["results"])
        ending = self.dice.pick(("다", "어요", "음"))
        return f"{topic(noun)} {self._adverb(predicate)}{predicate.past}{ending}. {result}"

    def _overall(self, label: int) -> str:
        overalls = self.own[POLARITIES[label]]["overalls"]
        first = self.dice.pick(overalls)
        if self.dice.chance(0.4):
            return str(first)
        return f"{first}. {self.dice.pick([overall for overall in overalls if overall != first])}"


def handwritten() -> list[Review]:
    """Return the sentences of positive.txt and negative.txt."""
    reviews = []
    for label, polarity in enumerate(POLARITIES):
        lines = (SOURCE / f"{polarity}.txt").read_text(encoding="utf-8").splitlines()
        reviews += [(line, label) for line in lines if line and not line.startswith("#")]
    return reviews


def composed(seed: int) -> Iterator[Review]:
    """Yield composed reviews without end, the labels in turn; texts may repeat."""
    grammar = tomllib.loads((SOURCE / "grammar.toml").read_text(encoding="utf-8"))
    dice = Dice(seed)
    composers = {domain: Composer(grammar, domain, dice) for domain in DOMAINS}
    label = 0
    while True:
        yield composers[dice.pick(DOMAINS)].compose(label), label
        label = 1 - label


def essence(text: str) -> str:
    """Return what tells two reviews apart: letters and digits, without spaces, marks and lone jamo."""
    return re.sub(r"[^0-9A-Za-z가-힣]", "", text)


def reviews() -> list[Review]:
    """Return the data set: distinct texts, ROWS_PER_LABEL of each label, in an order without meaning."""
    chosen: dict[str, Review] = {}
    counts = [0, 0]
    for text, label in handwritten():
        if essence(text) in chosen:
            raise ValueError(f"data/source: {text!r} stands there twice; keep one of the two lines")
        chosen[essence(text)] = text, label
        counts[label] += 1
    for text, label in composed(SEED):
        if min(counts) == max(counts) == ROWS_PER_LABEL:
            break
        if counts[label] < ROWS_PER_LABEL and len(text) >= SHORTEST and essence(text) not in chosen:
            chosen[essence(text)] = text, label
            counts[label] += 1
    for text, _ in chosen.values():
        if text != unicodedata.normalize("NFC", text) or not SHORTEST <= len(text) <= LONGEST:
            raise ValueError(f"data/source: {text!r} is not NFC text of {SHORTEST} to {LONGEST} characters")
    return sorted(chosen.values(), key=lambda review: hashlib.sha256(review[0].encode()).digest())


def tsv(rows: Sequence[Review]) -> str:
    """Return the reviews in NSMC's format."""
    lines = ["id\tdocument\tlabel"]
    lines += [f"{number}\t{text}\t{label}" for number, (text, label) in enumerate(rows, start=1)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    REVIEWS.parent.mkdir(exist_ok=True)
    REVIEWS.write_text(tsv(reviews()), encoding="utf-8", newline="\n")
