"""A verification as a job of the mailbox's session: slice after slice under one number, each continued by a
message, the report so far kept where the administrator looks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.engine.services import Services
from shared.engine.verify import verify
from shared.engine.verify_progress import PROGRESS, Report, from_json, to_json
from shared.jobs.messages import Job
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile

CAUSE = "verify"


async def report_of(services: Services, mailbox: Mailbox, profile: Profile, job: Job) -> Mapping[str, Any]:
    """The report after another slice; as it was if its message comes again after the last one."""
    kept = await services.answers.get(mailbox.id, job.request)
    if kept is not None and PROGRESS not in kept:
        return kept
    report = from_json(kept) if kept is not None else Report(mend=job.options.get("mend") is True)
    await verify(services, mailbox, profile, report)
    return to_json(report)


async def go_on(services: Services, mailbox: Mailbox, job: Job, report: Mapping[str, Any]) -> None:
    """Once the report is kept: the next slice; after the last one a pass for what is to be mended."""
    if PROGRESS in report:
        await services.jobs.ask(mailbox.id, CAUSE, job.request, job.options)
    elif report.get("mending"):
        await services.jobs.again(mailbox.id, "continue")
