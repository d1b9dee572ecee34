"""Writes `docs/architecture.md` and its pictures: what the synthesised stacks are made of, and how it meets.

`python -m docs.architecture` does, after `make synth`. A test keeps page and pictures current.
"""

from __future__ import annotations

from pathlib import Path

from docs.architecture_pictures import imports, kinds, pictures
from docs.security import ROOT, Assembly

PAGE = ROOT / "docs" / "architecture.md"
PICTURES = ROOT / "docs" / "pictures"


def page(folder: Path) -> str:
    """The page about the cloud assembly in `folder`."""
    assembly = Assembly(folder)
    shared = assembly.table(["From", "To", "What"], imports(assembly))
    return f"""\
# Architecture

Made from the templates of all environments by `python -m docs.architecture`: do not edit. `<env>` stands for
the environment. Why things are as they are stands in the code beside them: [stacks/](../stacks). Who may do
what: [Security](security.md).

## Stacks

An environment is four stacks, or five with a network. An arrow leads from a stack that makes something to one
that uses it.

![The stacks of an environment, and what each takes from another](pictures/stacks.svg)

{shared}

The serving stack takes one thing from no stack: the value of the parameter `/nunchi/<env>/champion`, which
CloudFormation reads whenever the stack is updated. So a promotion swaps the model without a new template, and
a later deployment finds nothing to change.

## The retrain

![The states of the retrain](pictures/retrain.svg)

This is dev's, which promotes what passes the gate. Where `gate.approval` is `person`, as in prod, *Register*
is the last step: the model awaits approval, and approving it in the registry starts the promotion by an
event.

States that only look something up, check the input, or keep records are not in the pictures of this page. A
failure that no state catches fails the execution, and `redrive-execution` goes on at that very state.

## The training

The retrain's *Train*: one job, on another instance type where there is no capacity, and once more where the
fault was SageMaker's.

![The states of the training](pictures/train.svg)

## The promotion

The retrain's last step, and a state machine of its own: the same goes back to an earlier model, and an
approval in the registry starts it by an event.

![The states of the promotion](pictures/promote.svg)

## The notification

The end of a retrain, a promotion or a batch starts it by an event, whatever the end: it gives back the lock
of what has ended, and sends the one message.

![The states of the notification](pictures/notify.svg)

## The batch transform

It is started by a person, a schedule or the arrival of a file, and scores what the table of scored files does
not have as it is.

![The states of the batch transform](pictures/transform.svg)

## Data

Which step reads and writes what, as the steps' roles allow it and no further. What a run makes stands below
`<prefix>/<execution>/`, and a prediction below `predictions/` where its file stands below `incoming/`.

![What each step reads and writes in the buckets](pictures/data.svg)

## Network

With `network`, as in prod. Without it, jobs and endpoints run in SageMaker's own network.

![The network of prod](pictures/network.svg)

## Resources

Roles and policies stand in [Security](security.md).

{_resources(assembly)}
"""


def write(folder: Path) -> None:
    """Write the page and its pictures, and remove pictures that are none of it."""
    PAGE.write_text(page(folder), encoding="utf-8")
    drawn = pictures(Assembly(folder))
    for name, svg in drawn.items():
        (PICTURES / name).write_text(svg, encoding="utf-8")
    for path in PICTURES.iterdir():
        if path.name not in drawn:
            path.unlink()


def _resources(assembly: Assembly) -> str:
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for stack in assembly.stacks:
        for kind, count in kinds(stack).items():
            counts.setdefault((stack.part, kind), {})[stack.environment] = count
    lines = [("Stack", "Resource", *assembly.environments), ("---",) * (2 + len(assembly.environments))]
    for what, found in counts.items():
        lines.append((*what, *(str(found.get(name, "")) for name in assembly.environments)))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    write(ROOT / "cdk.out")
