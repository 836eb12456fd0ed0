"""The shape of a `predict` body: closed and strict, so that a misspelt key is never read as absent."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from predictions.exceptions import PanelRefused, Problem
from predictions.intake.measurements import Measurement, PanelRequest
from predictions.intake.panel import VALUES_POINTER, is_reference

MOST_IDENTIFIERS = 1_000
Short = Annotated[str, Field(max_length=100)]
Shape = TypeVar("Shape", bound=BaseModel)
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Closed(BaseModel):
    """A shape without further keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Case(Closed):
    """Whose sample it is, in the words of the caller's own system, and the age in whole years."""

    reference: Short | None = None
    age_years: int | None = None


class Sample(Closed):
    """Which sample it is, and what it was measured on."""

    id: Short | None = None
    platform: Short | None = None


class Expression(Closed):
    """The panel itself: null stands for a gene that was not measured."""

    unit: Short
    identifiers: Short = "hgnc_symbol"
    values: Annotated[dict[str, Finite | None], Field(min_length=1, max_length=MOST_IDENTIFIERS)]


class Options(Closed):
    """What the caller wants of the answer, and what may be read into the panel."""

    explain: bool = True
    missing_genes: Annotated[str, Field(pattern="^(allow|reject)$")] = "allow"
    alias_policy: Annotated[str, Field(pattern="^(accept|reject)$")] = "reject"


class PredictBody(Closed):
    """The body of `POST /api/v1/predict`."""

    model: Short = "stable"
    case: Case = Case()
    sample: Sample = Sample()
    expression: Expression
    options: Options = Options()

    def as_request(self) -> PanelRequest:
        """The same request in the terms of `submission`."""
        return PanelRequest(
            measurements=tuple(
                Measurement(identifier, value, pointer=f"{VALUES_POINTER}/{_escaped(identifier)}")
                for identifier, value in self.expression.values.items()
            ),
            unit=self.expression.unit,
            identifiers=self.expression.identifiers,
            platform=self.sample.platform,
            age_years=self.case.age_years,
            case_reference=self.case.reference or "",
            sample_id=self.sample.id or "",
            model=self.model,
            accept_former_symbols=self.options.alias_policy == "accept",
            allow_missing_genes=self.options.missing_genes == "allow",
        )


def parse_body(parsed: dict[str, Any]) -> PredictBody:
    """Check the shape of a body of `predict`. Raises PanelRefused."""
    return parse_as(PredictBody, parsed)


def parse_as(shape: type[Shape], parsed: dict[str, Any]) -> Shape:
    """Check the shape of a parsed body.

    Raises
    ------
    PanelRefused
        With every key that is unknown, missing or of the wrong type.
    """
    try:
        return shape.model_validate(parsed)
    except ValidationError as error:
        raise PanelRefused([_as_problem(detail) for detail in error.errors(include_url=False)]) from None


def named_case(parsed: dict[str, Any]) -> str:
    """The case reference of a body, if it is one, whatever else is wrong with the body."""
    case = parsed.get("case")
    reference = case.get("reference") if isinstance(case, dict) else None
    return reference if isinstance(reference, str) and is_reference(reference) else ""


def _as_problem(error: ErrorDetails) -> Problem:
    code, mend = _MENDS.get(error["type"], ("wrong_type", "Send what the documentation names for this key."))
    # `[key]` is how pydantic says that it is the key itself which is wrong.
    path = [part for part in error["loc"] if part != "[key]"]
    shown = None if isinstance(error["input"], dict | list) else ascii(error["input"])[:80]
    return Problem(code, f"{error['msg']}.", mend, _pointer(*path), value=shown)


_MENDS = {
    "extra_forbidden": ("unknown_key", "Leave it out, or correct its spelling."),
    "missing": ("missing_key", "Add it."),
    "float_type": ("not_a_number", "Send a JSON number, without quotes; null if it was not measured."),
    "finite_number": ("not_a_number", "Send a finite number; null if it was not measured."),
    "int_type": ("not_a_number", "Send a whole number, without quotes; null if it is unknown."),
    "int_from_float": ("not_a_number", "Send a whole number, without a fraction."),
    "string_pattern_mismatch": ("unknown_option", "Use one of the words that the pattern lists."),
    "string_too_long": ("too_long", "Shorten it."),
    "too_long": ("too_long", "Send one sample with the genes of the panel."),
    "too_short": ("empty_panel", "Send the genes of the panel with their values."),
}


def _pointer(*path: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join(f"/{_escaped(str(part))}" for part in path)


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
