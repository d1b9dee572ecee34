"""The executions that visit all cells of the matrix."""

from __future__ import annotations

from tests.faults.cells import FAULTS, FOR_EVER, OF_JOBS
from tests.faults.drives import Drives, Seen, Walk
from tests.faults.laboratory import Laboratory, until

OF_CALLS = [fault for fault in FAULTS if fault not in OF_JOBS]
GOOD = {"force": True, "hyperparameters": {"label": "good"}}
POOR = {"force": True, "hyperparameters": {"label": "poor"}}
ON, OVER = "goes on", "passed over"


def retrain(drives: Drives) -> None:
    """A retrain that promotes its model in the end; its training is of the machine `train`."""
    walk, lab = Walk(drives, "retrain", GOOD), drives.lab
    lab.hold("retrain", lab.arn("retrain", "gone"))
    walk.through(
        "TakeLock",
        "ReadLock",
        "DescribeHolder",
        "ReadChampion",
        "DescribeChampion",
        "Prepare",
        "ReadManifest",
        "Train",
    )
    for fault in FOR_EVER:
        walk.fail("Train", ("train", "Train", fault))
    failed = ("train", "Train", "job fails")
    walk.fail("Train", failed, of=[failed, ("retrain", "Train", "job fails")])
    walk.fail("Train", ("train", "Train", "job stopped"))
    walk.fail("Train", of=[("retrain", "Train", "job stopped")], meanwhile=lambda: _stop(lab, "train"))
    walk.recover("train", "Train")
    walk.through("Optimise", "ReadOptimisation", "Evaluate", "ReadEvaluation", "Register", "Promote")
    walk.fail(
        "Promote", ("promote", "ReadServing", "access denied"), of=[("retrain", "Promote", "job fails")]
    )
    walk.fail("Promote", of=[("retrain", "Promote", "job stopped")], meanwhile=lambda: _stop_promotion(lab))
    walk.finish()


def _stop(lab: Laboratory, machine: str) -> None:
    lab.stop(until(lambda: lab.running(machine))[0])


def _stop_promotion(lab: Laboratory) -> None:
    """While it waits for the lock: a moment later it might have ended."""
    give_back = lab.hold("promote", lab.running("retrain")[0])
    _stop(lab, "promote")
    give_back()


def stopped_by_the_gate(drives: Drives) -> None:
    """Retrains that make a poor model; what they only record meets every fault, all at once."""
    walk = Walk(drives, "retrain", POOR)
    walk.through("RegisterRejected").finish()
    passed_over = [
        ("train", "CreateExperiment"),
        ("train", "CreateTrial"),
        ("retrain", "RecordMetrics"),
        ("retrain", "KeepProcessingLogs"),
        ("retrain", "KeepTrainingLogs"),
        ("retrain", "ReleaseLock"),
    ]
    for fault in OF_CALLS:
        cells = [(machine, state, fault) for machine, state in passed_over]
        _pass_over(drives, cells, drives.drive("retrain", POOR, *cells))


def transform(drives: Drives) -> None:
    """A batch that waits for another, those whose job fails, and those whose logs cannot be kept."""
    walk, lab = Walk(drives, "transform", {}), drives.lab
    lab.arrive("lines.jsonl")
    with lab.asleep() as other:
        give_back = lab.hold("transform", other, next=lab.arn("transform", "gone"))
        walk.through("TakeLock", "ReadLock", "DescribeHolder", "DescribeNext", "BeNext")

        def its_turn() -> None:
            until(lambda: "WaitForLock" in lab.entered(lab.last("transform")))
            give_back()

        walk.fail("ListFiles", ("transform", "ListFiles", FOR_EVER[0]), meanwhile=its_turn)
    walk.through("ListFiles", "ReadScored", "WriteManifest")
    walk.recover("transform", "Transform")
    walk.through("ListPredictions", "RecordScored").finish()
    lab.arrive("more.jsonl")
    for fault in (*FOR_EVER, *OF_JOBS):
        cell = ("transform", "Transform", fault)
        seen = drives.drive("transform", {}, cell)
        right = seen.error == "TransformFailed" and cell in seen.met
        drives.record(cell, seen, "fails; the next one scores", right and not lab.predicted("more.jsonl"))
    for fault in OF_CALLS:
        cell = ("transform", "KeepTransformLogs", fault)
        _pass_over(drives, [cell], drives.drive("transform", {}, cell))
        assert lab.predicted("more.jsonl")
        lab.arrive("more.jsonl", f'"{fault}"\n'.encode())


def _pass_over(drives: Drives, cells: list[tuple[str, str, str]], seen: Seen) -> None:
    for cell in cells:
        outcome = ON if cell[2] == "throttled twice" and cell[0] != "train" else OVER
        drives.record(cell, seen, outcome, seen.status == "SUCCEEDED" and cell in seen.met)


def promote(drives: Drives) -> None:
    """A promotion that succeeds in the end: the last faults are met with the new model in place."""
    request = {"model_package_arn": drives.lab.package()}
    walk = Walk(drives, "promote", request)
    drives.lab.hold("promote", drives.lab.arn("promote", "gone"))
    walk.through(
        "TakeLock",
        "ReadLock",
        "DescribeHolder",
        "ReadChampion",
        "DescribePackage",
        "DescribeChampion",
        "ReadServing",
        "WriteChampion",
    )
    walk.recover("promote", "UpdateServing")
    walk.through("DescribeServing")
    walk.recover("promote", "AskRealtime")
    walk.recover("promote", "AskServerless")
    walk.finish()


def rejected(drives: Drives) -> None:
    """A person rejects a package in the registry."""
    request = {"model_package_arn": drives.lab.package(), "status": "Rejected"}
    Walk(drives, "promote", request).through("MarkRejected").finish(notified=0)


def restored(drives: Drives) -> None:
    """Promotions that cannot update the stack, and then cannot even put the champion back."""
    lab, before = drives.lab, drives.lab.deployment.champion()
    request = {"model_package_arn": lab.package()}
    for fault in FOR_EVER:
        cell = ("promote", "UpdateServing", fault)
        seen = drives.drive("promote", request, cell)
        right = seen.error == "PromoteFailed" and lab.deployment.champion() == before
        drives.record(cell, seen, "fails, champion written back", right and cell in seen.met)
    start: dict[str, str] | str = request
    for fault in [*FOR_EVER, "throttled twice"]:
        cell = ("promote", "RestoreChampion", fault)
        refused = ("promote", "UpdateServing", "access denied")
        seen = drives.drive("promote", start, *([refused] if start is request else []), cell)
        start = seen.execution
        lasts = fault != "throttled twice"
        right = (
            cell in seen.met
            and seen.status == "FAILED"
            and seen.last_state == ("RestoreChampion" if lasts else "Failed")
        )
        # The parameter cannot be written: it names the new package until the execution is redriven.
        differ = [lab.disagreement()] if lasts else []
        drives.record(
            cell,
            seen,
            "fails; redriven: champion written back" if lasts else ON,
            right and (lasts or lab.deployment.champion() == before),
            leftovers=differ,
        )


def smoke_tests(drives: Drives) -> None:
    """Promotions whose model serves and cannot be asked: the previous one comes back."""
    lab, before = drives.lab, drives.lab.deployment.champion()
    for state in ("AskRealtime", "AskServerless"):
        for fault in FOR_EVER:
            cell, package = ("promote", state, fault), lab.package()
            seen = drives.drive("promote", {"model_package_arn": package}, cell)
            right = seen.error == "SmokeTestFailed" and lab.deployment.champion() == before
            # It was not asked, so it is not to blame.
            right &= lab.deployment.package(package)["ModelApprovalStatus"] == "Approved"
            drives.record(cell, seen, "fails, champion brought back", right and cell in seen.met)


def broken(drives: Drives) -> None:
    """Promotions of a model that cannot be loaded, of which nothing can be told or kept."""
    lab, before = drives.lab, drives.lab.deployment.champion()
    for fault in OF_CALLS:
        cells = [("promote", state, fault) for state in ("ExplainRollback", "RejectPackage")]
        seen = drives.drive("promote", {"model_package_arn": lab.package(broken=True)}, *cells)
        right = seen.error == "PromoteFailed" and lab.deployment.champion() == before
        for cell in cells:
            outcome = ON if fault == "throttled twice" else OVER
            drives.record(cell, seen, outcome, right and cell in seen.met)


def announced(drives: Drives) -> None:
    """Promotions of what serves already, whose marks cannot be kept."""
    lab = drives.lab
    for fault in OF_CALLS:
        cells = [("promote", state, fault) for state in ("MarkChampion", "ReleaseLock")]
        request = {"model_package_arn": lab.deployment.champion()}
        _pass_over(drives, cells, drives.drive("promote", request, *cells))


def notify(drives: Drives) -> None:
    """The message of a retrain that failed at once, when telling it meets a fault."""
    lab = drives.lab
    failing = ("retrain", "ReadChampion", "access denied")
    for fault in OF_CALLS:
        lasts = fault != "throttled twice"
        cell = ("notify", "ReleaseLock", fault)
        seen = drives.drive("retrain", {}, failing, cell)
        kept = seen.leftovers == (["lock retrain"] if lasts else [])
        if lasts:
            # Its holder has ended, so the next execution has it.
            following = drives.drive("retrain", {}, failing)
            kept &= following.last_state == "ReadChampion"
            seen.leftovers = following.leftovers
        outcome = "passed over, lock taken over" if lasts else ON
        drives.record(cell, seen, outcome, kept and cell in seen.met)
        cell = ("notify", "ReadHistory", fault)
        seen = drives.drive("retrain", {}, failing, cell)
        drives.record(cell, seen, OVER if lasts else ON, cell in seen.met)
        cell = ("notify", "Tell", fault)
        seen = drives.drive("retrain", {}, failing, cell)
        if not lasts:
            drives.record(cell, seen, ON, cell in seen.met)
            continue
        silent = seen.messages == 0
        lab.redrive(lab.last("notify"))
        lab.quiet()
        seen.messages = lab.messages(seen.execution)
        drives.record(cell, seen, "fails; redriven: told", silent and cell in seen.met)


GROUPS = (
    (retrain, stopped_by_the_gate),
    (promote, rejected, restored, smoke_tests, broken, announced, notify, transform),
)
"""What needs about the same time; each is for an AWS of its own."""
