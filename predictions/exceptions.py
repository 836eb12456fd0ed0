"""What can go wrong with a panel or a release, and whom each is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what was sent: a stable code, what is wrong, how to mend it, and where.

    `pointer` is a JSON pointer (RFC 6901) into an API body, `row` the line of a pasted or uploaded panel,
    counted from 1, `column` the column as it is named, or else its number, and `value` what stands there.
    """

    code: str
    detail: str
    mend: str
    pointer: str | None = None
    row: int | None = None
    value: str | None = None
    column: str | None = None


class PanelRefused(Exception):
    """For the person who sent the panel: everything that is wrong with it, at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(sorted({problem.code for problem in problems})))
        self.problems = tuple(problems)


class ParametersRefused(PanelRefused):
    """For the caller: everything that is wrong with what they asked to be listed."""


class ReleaseUnavailable(Exception):
    """For the operator: no release of the model is live, or its files are missing or their seal is broken."""


class UnknownRelease(Exception):
    """For the person: the release that they named is not registered or may not be called."""


class StepRefused(Exception):
    """For the person: why a step that they asked for is not taken."""


class NotEntitled(StepRefused):
    """For the person: the step is not for their role."""


class CaseErased(Exception):
    """For the reader: what was kept of this case can never be read again, and since when."""

    def __init__(self, case_key_id: UUID) -> None:
        super().__init__(f"The key {case_key_id} was deleted.")
        self.case_key_id = case_key_id


class ReportDiffers(Exception):
    """For the operator: a report came out as other bytes than before, of which there is no digest."""


class PredictionNotFound(Exception):
    """For the reader: no such prediction in their organisation."""


class CohortNotFound(Exception):
    """For the reader: no such cohort in their organisation."""


class IdempotencyKeyMalformed(Exception):
    """For the caller: what they call their request is no name that is taken."""


class IdempotencyKeyReused(Exception):
    """For the caller: they called another request so before."""


class RequestRunning(Exception):
    """For the caller: the request of this name is being carried out now."""


class ResultsNotServed(Exception):
    """For the reader: why the results of a cohort are not served in the form that they asked for."""
