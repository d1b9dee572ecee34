"""What is wrong with the data, told at once: by rule, the first few places, and how many there are."""

from contract import UserError

# SageMaker passes on 1,024 bytes of a reason: three places of each of several rules.
_SHOWN = 3
_QUOTED = 40


class Problems:
    """What breaks which rule, and where."""

    def __init__(self) -> None:
        """Nothing is wrong yet."""
        self._places: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def add(self, rule: str, *places: str) -> None:
        """Note that `places`, as in `train/a.tsv:3: '2'`, break `rule`, which says the remedy, too.

        The data as a whole may break a rule, and there be no places.
        """
        shown = self._places.setdefault(rule, [])
        shown += places[: _SHOWN - len(shown)]
        self._counts[rule] = self._counts.get(rule, 0) + len(places)

    def raise_if_any(self) -> None:
        """Fail if anything was noted.

        Raises:
            UserError: a line for each rule, below it the first places, and how many more there are.
        """
        lines = []
        for rule, places in self._places.items():
            lines += [rule, *(f"  {place}" for place in places)]
            if (more := self._counts[rule] - len(places)) > 0:
                lines.append(f"  and {more:,} more")
        if lines:
            raise UserError("\n".join(lines))


def quoted(value: object) -> str:
    """Return the value as a message has it: a text in quotes, and of what is long the beginning."""
    if isinstance(value, str) and len(value) > _QUOTED:
        return repr(value[:_QUOTED]) + "…"
    return repr(value)[: 2 * _QUOTED]
