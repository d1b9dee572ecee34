"""What an execution of the retrain may bring, and how it is refused when it is wrong."""

from __future__ import annotations

from stacks.jobs import JobRequests
from stacks.jsonata import query, source
from stacks.prefixes import BASE_MODELS
from stacks.run import RUN
from stacks.settings import Settings
from stacks.states import State, choice, refuse, when

_INPUT_FIELDS = ["data_prefix", "base_checkpoint", "hyperparameters", "force"]
_UNKNOWN_FIELDS = (
    f"$filter($keys($states.input), function($field) {{ $not($field in {source(_INPUT_FIELDS)}) }})"
)


def check_input(settings: Settings, jobs: JobRequests, *, next: str) -> dict[str, State]:
    """States from `CheckInput` on that assign the run's variables, and go on to `next`."""

    def given(field: str, default: str) -> str:
        return query(f"$exists($states.input.{field}) ? $states.input.{field} : {default}")

    overrides = (
        "$merge($each($states.input.hyperparameters, function($value, $name) { {$name: $string($value)} }))"
    )
    toolkit, defaults = jobs.hyperparameters()
    checkpoint = settings.training.base_checkpoint.s3_prefix or ""
    return {
        "CheckInput": choice(
            when("$type($states.input) != 'object'", "RefuseInput"),
            when(f"$count({_UNKNOWN_FIELDS}) > 0", "RefuseFields"),
            when(_wrong("data_prefix", r"$contains($value, /^[^\/].*\/$/)"), "RefuseDataPrefix"),
            when(
                _wrong("base_checkpoint", "$contains($value, /^[A-Za-z0-9][A-Za-z0-9._-]*$/)"),
                "RefuseCheckpoint",
            ),
            when(
                "$exists($states.input.hyperparameters) and $type($states.input.hyperparameters) != 'object'",
                "RefuseHyperparameters",
            ),
            when(
                "$exists($states.input.force) and $type($states.input.force) != 'boolean'",
                "RefuseForce",
            ),
            default="Begin",
        ),
        "RefuseForce": refuse("Input", "'force must be true or false'"),
        "RefuseInput": refuse(
            "Input", f"'the execution input must be an object; allowed in it: {', '.join(_INPUT_FIELDS)}'"
        ),
        "RefuseFields": refuse(
            "Input",
            f"'the execution input has ' & $join({_UNKNOWN_FIELDS}, ', ')"
            f" & '; allowed: {', '.join(_INPUT_FIELDS)}'",
        ),
        "RefuseDataPrefix": refuse(
            "Input", "'data_prefix must be a prefix of the data bucket that ends in a slash, as in reviews/'"
        ),
        "RefuseCheckpoint": refuse(
            "Input", f"'base_checkpoint must be the name of one folder below {BASE_MODELS}/, without slashes'"
        ),
        "RefuseHyperparameters": refuse(
            "Input", "'hyperparameters must be an object, as in {\"learning_rate\": 0.0001}'"
        ),
        "Begin": {
            "Type": "Pass",
            "Assign": {
                "run": RUN,
                "dataPrefix": given("data_prefix", "'reviews/'"),
                "baseCheckpoint": given("base_checkpoint", f"'{checkpoint}'"),
                # The toolkit's own come last: an execution may not bring code of its own.
                "hyperparameters": query(
                    f"$merge([{source(defaults)},"
                    f" $exists($states.input.hyperparameters) ? {overrides} : {{}}, {source(toolkit)}])"
                ),
                "force": given("force", "false"),
                "championData": "",
                "championManifest": "",
                "championFingerprint": "",
            },
            "Next": next,
        },
    }


def _wrong(field: str, valid: str) -> str:
    value = f"$states.input.{field}"
    return f"$exists({value}) and $not($type({value}) = 'string' and ($value := {value}; {valid}))"
