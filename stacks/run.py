"""What is named after an execution."""

from __future__ import annotations

from stacks.jsonata import query

_NAME = "$states.context.Execution.Name"
_REDRIVES = "$states.context.Execution.RedriveCount"

# An execution may have a name that a job or a registry's property may not.
RUN = query(
    f"$length({_NAME}) <= 36 and $contains({_NAME}, /^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/)"
    f" ? {_NAME} : $hash({_NAME}, 'MD5')"
)
"""What an execution's prefixes are named after."""

# A redriven execution does its step again, and a job's name is used up. 36 characters at most.
JOB = f"({_REDRIVES} > 0 ? $substring($replace($run, '-', ''), 0, 32) & '-' & {_REDRIVES} : $run)"
"""JSONata: what its jobs are named after."""
