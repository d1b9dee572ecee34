"""What to do in place of what is dangerous."""

from __future__ import annotations

SAFE_WAYS = {
    "data": "let the old one live on (RETAIN, deployed before this), copy what it holds, move over what uses"
    " it, and only then remove it, in a later change.",
    "downtime": "make the new one beside the old under another name, move over what uses it, and remove the"
    " old one in a later change.",
    "exposure": "let in one principal, or one port from one security group, and nobody else.",
    "permissions": "name only the actions, resources and principals that the work needs.",
    "protection": "leave it on; where it must go, in a change of its own.",
    "alarms": "bring the alarm that takes its place in the same change.",
    "schedule": "make sure that the next run comes when people expect it, and meets no other.",
}
"""By the category of the danger, the most dangerous first."""
