"""The text to pre-train on: normalised as for serving, each text once, none that a model is tested on."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import sources
from arguments import parse
from contract import UserError
from pretraining import command
from pretraining.texts import read_lines, sha256, write
from problems import Problems
from progress import watched

# contract.py puts inference_code/ on the path.
from normalisation import normalise  # isort: skip


@dataclass
class Arguments:
    """Arguments of corpus.py."""

    texts: list[str] = field(metadata={"help": "files of one text a line, .txt or .txt.xz"})
    output: str = field(metadata={"help": "the file to write: .txt or .txt.xz"})
    exclude: list[str] = field(
        default_factory=list,
        metadata={
            "help": "tab-separated files with the columns document and label, whose texts to leave out"
        },
    )
    rows: int | None = field(
        default=None, metadata={"help": "stop after so many texts; by default, take all"}
    )

    def __post_init__(self) -> None:
        """Refuse what would write nothing."""
        if self.rows is not None and self.rows < 1:
            raise UserError(f"rows {self.rows} must be above 0")


def labelled_texts(path: Path) -> Iterator[str]:
    """Yield the texts of a tab-separated file of labelled reviews, such as NSMC's.

    Raises:
        UserError: there is no such file, or it lacks the columns document and label.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist: give a file of labelled reviews to leave out")
    problems = Problems()
    # NSMC's files end in .txt.
    tsv = path.with_suffix(".tsv")
    columns = sources.Columns(text_column="document", label_column="label")
    for _, *row in sources.read(tsv, path.read_bytes(), path.name, columns, problems):
        yield str(row[0])
    problems.raise_if_any()


def select(lines: Iterable[str], excluded: Iterable[str]) -> Iterator[str]:
    """Yield each text once, normalised, in the order of the lines, without empty and excluded ones.

    A text counts as excluded where nothing but blanks and quotation marks tells it from one that is: NSMC has
    the same review quoted and unquoted.
    """
    left_out = {_key(normalise(text)) for text in excluded} | {""}
    seen = set()
    for line in lines:
        text = normalise(line)
        if _key(text) not in left_out and text not in seen:
            seen.add(text)
            yield text


def _key(text: str) -> str:
    return re.sub(r'[\s"]', "", text)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the file."""
    arguments = parse(Arguments, argv)
    output = Path(arguments.output)
    lines = (line for path in arguments.texts for line in read_lines(Path(path)))
    excluded = (text for path in arguments.exclude for text in labelled_texts(Path(path)))
    texts = islice(select(watched(lines, "[corpus] reading"), excluded), arguments.rows)
    print(f"[corpus] {write(output, texts):,} texts, sha256 {sha256(output)}: {output}", flush=True)


if __name__ == "__main__":
    command(main)
