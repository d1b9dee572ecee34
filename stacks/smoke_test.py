"""The smoke test: what has just begun to serve is asked, before anybody is told that it serves."""

from __future__ import annotations

import json

from stacks.environment_stack import arn
from stacks.jsonata import query, source
from stacks.permissions import Permission
from stacks.settings import GoldenSentence, Settings
from stacks.states import State, caught, choice, task, when

_RESTORED = "The previous model serves again."
_NOT_TO_BLAME = "The new one was not asked, and may be promoted again."
# Asked where the settings have no sentences: then any answer of the right form will do.
_ANY = "정말 재미있어요"


def smoke_test(settings: Settings, *, next: str, failed: str) -> dict[str, State]:
    """States that ask every endpoint the golden sentences: from the first on to `next`, or to `failed`.

    The input of `failed` is `{step, message, mend}`, and `$broughtBack` is true from then on.
    """
    endpoints = _endpoints(settings)
    if not endpoints:
        return {}
    golden = settings.serving.golden_sentences
    inputs = [sentence.inputs for sentence in golden] or [_ANY]
    form = "$answers[$type(label) = 'string' and $type(score) = 'number']"
    right = (
        f"$type($answers) = 'array' and $count($answers) = {len(inputs)} and $count({form}) = {len(inputs)}"
    )
    if golden:
        right += f" and [$answers.label] = {source([sentence.label for sentence in golden])}"
    names = [f"Ask{way}" for way in endpoints]
    states: dict[str, State] = {}
    for (way, endpoint), following in zip(endpoints.items(), [*names[1:], next], strict=True):
        states[f"Ask{way}"] = task(
            "aws-sdk:sagemakerruntime:invokeEndpoint",
            {
                "EndpointName": endpoint,
                "ContentType": "application/json",
                "Accept": "application/json",
                "Body": json.dumps({"inputs": inputs}, ensure_ascii=False),
            },
            assign={"answers": query("$parse($states.result.Body)"), "endpoint": endpoint},
            next=f"Is{way}Right",
            catch=[
                {
                    **caught("SmokeTest", next=failed, mend=_RESTORED),
                    "ErrorEquals": ["SageMakerRuntime.ModelErrorException"],
                    "Assign": {"broughtBack": True},
                },
                # A model that could not be asked is not to blame, and may be promoted again.
                {
                    **caught("SmokeTest", next=failed, mend=f"{_RESTORED} {_NOT_TO_BLAME}"),
                    "Assign": {"broughtBack": True, "toBlame": False},
                },
            ],
        )
        states[f"Is{way}Right"] = choice(when(right, following), default="WrongAnswer")
    states["WrongAnswer"] = {
        "Type": "Pass",
        "Output": {
            "step": "SmokeTest",
            "message": query(
                "$endpoint & ' answered ' & $substring($string($answers), 0, 500)"
                f" & ' to ' & {source(_told(settings))}"
            ),
            "mend": _RESTORED,
        },
        "Assign": {"broughtBack": True},
        "Next": failed,
    }
    return states


def smoke_test_permissions(settings: Settings) -> list[Permission]:
    """What asking the endpoints needs."""
    names = _endpoints(settings).values()
    asked = [arn("sagemaker", f"endpoint/{name}") for name in names]
    return [Permission(["sagemaker:InvokeEndpoint"], asked)] if asked else []


def first_state(settings: Settings, *, otherwise: str) -> str:
    """Where the smoke test begins; `otherwise` for an environment without endpoints."""
    return next((f"Ask{way}" for way in _endpoints(settings)), otherwise)


def _endpoints(settings: Settings) -> dict[str, str]:
    serving = settings.serving
    return {
        **({"Realtime": settings.endpoint_name} if serving.realtime else {}),
        **({"Serverless": settings.serverless_endpoint_name} if serving.serverless else {}),
    }


def _told(settings: Settings) -> str:
    golden = settings.serving.golden_sentences
    return ", ".join(f"{_shown(one)} (right: {one.label})" for one in golden) or repr(_ANY)


def _shown(golden: GoldenSentence) -> str:
    return repr(golden.text) if golden.text_pair is None else f"{golden.text!r} and {golden.text_pair!r}"
