"""Processing job: labelled reviews in, three splits out, so that no text stands on two sides.

in:  processing/input/data/train/*.tsv and, if there is an official test set, .../test/*.tsv
out: processing/output/{train,validation,test}/*.jsonl and processing/output/manifest/manifest.json
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arguments import parse
from contract import UserError, processing_dir, run
from normalisation import VERSION, normalise
from rows import Row, read_tsv, write_jsonl

# The splits' fractions are counted in thousandths.
_BUCKETS = 1000


@dataclass
class Arguments:
    """Arguments of prepare.py."""

    text_column: str = field(default="document", metadata={"help": "column of the text"})
    label_column: str = field(default="label", metadata={"help": "column of the label's id"})
    label_names: str = field(
        default="negative,positive", metadata={"help": "names of the labels 0, 1, ..., separated by commas"}
    )
    validation_fraction: float = field(
        default=0.1, metadata={"help": "part of the texts that validates, in steps of 0.001"}
    )
    test_fraction: float = field(
        default=0.1, metadata={"help": "part that tests, if there is no test folder, in steps of 0.001"}
    )

    def __post_init__(self) -> None:
        """Refuse what cannot be split."""
        if len(set(self.names)) < 2 or len(set(self.names)) < len(self.names) or "" in self.names:
            raise UserError(f"label_names {self.label_names!r}: give two or more different names")
        for name in ("validation_fraction", "test_fraction"):
            if not 0 < getattr(self, name) < 1:
                raise UserError(f"{name} {getattr(self, name)} must lie between 0 and 1")
        if self.validation_fraction + self.test_fraction >= 1:
            raise UserError("validation_fraction and test_fraction leave nothing to train on")

    @property
    def names(self) -> list[str]:
        """The labels' names, by id."""
        return [name.strip() for name in self.label_names.split(",")]


def bucket(text: str) -> int:
    """Return the text's place among the thousandths that a split is made of: the same for ever."""
    return int(hashlib.sha256(text.encode("utf-8")).hexdigest(), 16) % _BUCKETS


def unique(rows: Sequence[Row], dropped: Counter[str]) -> list[Row]:
    """Return the rows with each text once, and no text that carries two labels; count the others."""
    labels: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        labels[row.text].add(row.label)
    kept = dict.fromkeys(row for row in rows if len(labels[row.text]) == 1)
    dropped["two_labels"] = sum(len(labels[row.text]) > 1 for row in rows)
    dropped["duplicate"] = len(rows) - dropped["two_labels"] - len(kept)
    return list(kept)


def read(folder: Path, arguments: Arguments, dropped: Counter[str]) -> list[Row]:
    """Return the normalised rows of a folder's TSV files; count the empty ones."""
    paths = sorted(folder.glob("*.tsv"))
    if not paths:
        raise UserError(f"there is no *.tsv file in {folder}")
    rows = []
    for path in paths:
        for row in read_tsv(path, arguments.text_column, arguments.label_column, arguments.names):
            text = normalise(row.text)
            if text:
                rows.append(Row(text, row.label))
            else:
                dropped["empty"] += 1
    return rows


def split(
    rows: list[Row], test: list[Row] | None, arguments: Arguments, dropped: Counter[str]
) -> dict[str, list[Row]]:
    """Return the rows of the three splits. `test` is the official test set, which stays as it is."""
    if test is None:
        tested = round(arguments.test_fraction * _BUCKETS)
    else:
        tested = 0
        seen = {row.text for row in test}
        dropped["in_test"] = sum(row.text in seen for row in rows)
        rows = [row for row in rows if row.text not in seen]
    validated = tested + round(arguments.validation_fraction * _BUCKETS)
    splits: dict[str, list[Row]] = {"train": [], "validation": [], "test": []}
    for row in unique(rows, dropped):
        place = bucket(row.text)
        splits["test" if place < tested else "validation" if place < validated else "train"].append(row)
    if test is not None:
        splits["test"] = test
    return splits


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job."""
    arguments = parse(Arguments, argv)
    dropped: dict[str, Counter[str]] = {"train": Counter()}
    rows = read(processing_dir("input/data/train"), arguments, dropped["train"])
    test = None
    if processing_dir("input/data/test").is_dir():
        dropped["test"] = Counter()
        test = read(processing_dir("input/data/test"), arguments, dropped["test"])
    manifest: dict[str, object] = {"normalisation_version": VERSION, "label_names": arguments.names}
    splits = {}
    for name, kept in split(rows, test, arguments, dropped["train"]).items():
        labels = Counter(row.label for row in kept)
        if missing := [label for label in arguments.names if not labels[label]]:
            raise UserError(
                f"the {name} split ({len(kept)} rows) has no row labelled {', '.join(missing)}: "
                "give more data, or another fraction"
            )
        path = processing_dir(f"output/{name}") / f"{name}.jsonl"
        write_jsonl(path, kept)
        splits[name] = {
            "rows": len(kept),
            "labels": {label: labels[label] for label in arguments.names},
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        print(f"[prepare] {name}: {len(kept)} rows", flush=True)
    manifest |= {"splits": splits, "dropped": dropped}
    for name, reasons in dropped.items():
        print(f"[prepare] dropped from {name}: {dict(reasons)}", flush=True)
    output = processing_dir("output/manifest") / "manifest.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main, reason_file="message")
