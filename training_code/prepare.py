"""Processing job: labelled texts, or pairs, in, three splits out, so that none stands on two sides.

in:  processing/input/data/train/ and, if there is an official test set, .../test/: .tsv, .csv, .jsonl or
     .parquet files; optionally processing/input/champion_manifest/manifest.json, which this job wrote when
     the champion was trained: without it drift is not looked at
out: processing/output/{train,validation,test}/*.jsonl, processing/output/manifest/{manifest.json,report.html}
"""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations

from arguments import parse
from contract import UserError, processing_dir, run
from data_report import render
from drift import champions_train
from form import Form
from limits import Limits, check_drift, check_rows, enforce
from manifest import Manifest, Split, code_sha256, fingerprint, summarise
from normalisation import VERSION
from problems import Problems, quoted
from progress import watched
from records import Record, Side, read
from rows import write_jsonl
from sources import Columns
from split import distinct, split
from task import label_names

# What the settings allow where labels are given (stacks/data_settings.py).
_MOST_LABELS = 50


@dataclass
class Arguments:
    """Arguments of prepare.py."""

    text_column: str = field(default="document", metadata={"help": "column of the text"})
    label_column: str = field(default="label", metadata={"help": "column of the label"})
    text_pair_column: str | None = field(
        default=None, metadata={"help": "column of the second text, where texts come in pairs"}
    )
    label_separator: str | None = field(
        default=None,
        metadata={"help": "what stands between a text's labels; without it a text has one label"},
    )
    labels: list[str] = field(
        default_factory=lambda: ["negative=0", "positive=1"],
        metadata={
            "help": "a label's name and what it is in the files, as in negative=0; a name may come twice. "
            "Empty, as in --labels=: the names are what stands in the files"
        },
    )
    validation_fraction: float = field(
        default=0.1, metadata={"help": "part of the texts that validates, in steps of 0.001"}
    )
    test_fraction: float = field(
        default=0.1, metadata={"help": "part that tests, if there is no test folder, in steps of 0.001"}
    )
    min_rows: int = field(default=200, metadata={"help": "distinct texts, before they are split"})
    min_label_share: float = field(default=0.05, metadata={"help": "of each label, among the distinct texts"})
    max_duplicate_share: float = field(
        default=0.2, metadata={"help": "of the rows: those that repeat an earlier one"}
    )
    max_conflict_share: float = field(
        default=0.05, metadata={"help": "of the rows: those whose text also carries another label"}
    )
    max_text_characters: int = field(default=2000, metadata={"help": "of a normalised text"})
    max_label_drift: float = field(
        default=0.1, metadata={"help": "change of a label's share since the champion's data, 0 to 1"}
    )
    max_length_drift: float = field(
        default=0.2,
        metadata={"help": "Kolmogorov-Smirnov distance of the lengths from those of the champion's data"},
    )

    def __post_init__(self) -> None:
        """Refuse what cannot be split, and what is no limit."""
        self.labels = [label for label in self.labels if label]
        columns = self.columns._asdict()
        for one, other in combinations(columns, 2):
            if columns[one] == columns[other]:
                raise UserError(f"{one} and {other} are both {columns[one]!r}")
        if self.label_separator == "":
            raise UserError("label_separator is empty: leave it out, or give what stands between two labels")
        if self.labels and (any(not all(pair) for pair in self._pairs()) or len(self.names) < 2):
            raise UserError(
                f"labels {' '.join(self.labels)!r}: give two or more different names, each as in negative=0"
            )
        if len(self.by_value) < len(self.labels):
            raise UserError(f"labels {' '.join(self.labels)!r}: what stands in the files has one name only")
        for name in ("validation_fraction", "test_fraction"):
            if not 0 < getattr(self, name) < 1:
                raise UserError(f"{name} {getattr(self, name)} must lie between 0 and 1")
        if self.validation_fraction + self.test_fraction >= 1:
            raise UserError("validation_fraction and test_fraction leave nothing to train on")
        for name, value in vars(self).items():
            if name.endswith(("_share", "_drift")) and not 0 <= value <= 1:
                raise UserError(f"{name} {value} must be 0 to 1")
            if name in ("min_rows", "max_text_characters") and value < 1:
                raise UserError(f"{name} {value} must be above 0")

    def _pairs(self) -> list[tuple[str, str]]:
        pairs = [label.partition("=") for label in self.labels]
        return [(name, value) for name, _, value in pairs]

    @property
    def columns(self) -> Columns:
        """The columns that are read."""
        return Columns(self.text_column, self.label_column, self.text_pair_column)

    @property
    def names(self) -> list[str]:
        """The labels' names, each once; none where they are what stands in the files."""
        return list(dict.fromkeys(name for name, _ in self._pairs()))

    @property
    def by_value(self) -> dict[str, str]:
        """What a label is in the files, in NFC → its name."""
        return {unicodedata.normalize("NFC", value): name for name, value in self._pairs()}

    @property
    def limits(self) -> Limits:
        """The limits of the data as a whole."""
        return Limits(**{name: getattr(self, name) for name in Limits.__dataclass_fields__})


def read_sides(arguments: Arguments) -> tuple[Side, Side | None]:
    """Return what train/ holds, and test/ if it is there.

    Raises:
        UserError: a file or a row is wrong; the message names the first of each kind, of both sides.
    """
    form = Form(
        arguments.columns, arguments.by_value, arguments.max_text_characters, arguments.label_separator
    )
    problems = Problems()
    train = read(processing_dir("input/data/train"), form, problems)
    test = None
    if processing_dir("input/data/test").is_dir():
        test = read(processing_dir("input/data/test"), form, problems)
    problems.raise_if_any()
    return train, test


def names_in(records: Sequence[Record]) -> list[str]:
    """Return the names of the labels as the files have them.

    Raises:
        UserError: they are less than two, or so many that the column is hardly one of labels.
    """
    names = label_names(records)
    if len(names) < 2:
        there = "none" if not names else f"{names[0]!r} only"
        raise UserError(f"labels: the files have {there}, and two are needed to tell apart; give more data")
    if len(names) > _MOST_LABELS:
        raise UserError(
            f"labels: the files have {len(names):,}, and {_MOST_LABELS} may be, as in "
            f"{', '.join(quoted(name) for name in names[:3])}; see whether label_column is the right one, "
            "or give labels, of which several may have one name"
        )
    return names


def check_labels(splits: dict[str, list[Record]], names: Sequence[str], problems: Problems) -> None:
    """Note the splits that lack a label."""
    for name, records in splits.items():
        there = label_names(records)
        if missing := [label for label in names if label not in there]:
            problems.add(
                "labels: each split needs texts of each label; give more data, or another fraction",
                f"{name}, {len(records):,} texts: no {', '.join(missing)}",
            )


def write_splits(splits: dict[str, list[Record]], names: Sequence[str]) -> dict[str, Split]:
    """Write each split to its own folder, and return what the manifest says of them."""
    written: dict[str, Split] = {}
    for name, records in splits.items():
        path = processing_dir(f"output/{name}") / f"{name}.jsonl"
        write_jsonl(path, watched(records, f"[prepare] writing {name}"))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        written[name] = {**summarise(records, names), "sha256": sha256}
        print(f"[prepare] {name}: {len(records):,} rows", flush=True)
    return written


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job."""
    arguments = parse(Arguments, argv)
    train, test = read_sides(arguments)
    names = arguments.names or names_in([*train.records, *(test.records if test else ())])
    # A pair is as good as told by the same one in the other order.
    tested = {frozenset(record.texts) for record in test.records} if test else set()
    found = distinct([record for record in train.records if frozenset(record.texts) not in tested])
    splits = split(
        found.kept, test.records if test else None, arguments.validation_fraction, arguments.test_fraction
    )

    checks = check_rows(found, names, arguments.limits)
    champions = None
    if processing_dir("input/champion_manifest").is_dir() and splits["train"]:
        champions = champions_train(processing_dir("input/champion_manifest") / "manifest.json")
        checks += check_drift(summarise(splits["train"], names), champions, arguments.limits)
    problems = Problems()
    enforce(checks, problems)
    check_labels(splits, names, problems)
    problems.raise_if_any()

    dropped = {
        "train": {
            "empty": train.empty,
            "in_test": sum(frozenset(record.texts) in tested for record in train.records),
            "two_labels": len(found.conflicting),
            "duplicate": len(found.duplicates),
        },
        **({"test": {"empty": test.empty}} if test else {}),
    }
    for name, reasons in dropped.items():
        print(f"[prepare] dropped from {name}: {reasons}", flush=True)
    written, code = write_splits(splits, names), code_sha256()
    made: Manifest = {
        "fingerprint": fingerprint(written, code),
        "normalisation_version": VERSION,
        "code_sha256": code,
        "arguments": asdict(arguments),
        "label_names": names,
        "files": train.files + (test.files if test else []),
        "splits": written,
        "dropped": dropped,
        "checks": [{"rule": one.rule, "value": one.value, "limit": one.limit} for one in checks],
    }
    output = processing_dir("output/manifest")
    output.mkdir(parents=True, exist_ok=True)
    content = json.dumps(made, ensure_ascii=False, indent=2) + "\n"
    (output / "manifest.json").write_text(content, encoding="utf-8")
    (output / "report.html").write_text(render(made, found, champions), encoding="utf-8")


if __name__ == "__main__":
    run(main, reason_file="message")
