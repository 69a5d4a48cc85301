"""What the tables of SETUP.toml are made of, and the limits that every source with an output keeps."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Table(BaseModel):
    """A table of a set-up file: an unknown key is an error, and so is a value set later that does not fit."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class SourceTable(Table):
    """What every `[[source]]` has; a kind of source adds its own fields and gives `kind` its one value."""

    name: str = Field(min_length=1, max_length=80)
    simulated: bool = False
    kind: str = ""

    def owned_address(self) -> str:
        """What only one program may use at a time, spelled one way however it is typed; empty: it can be shared."""
        return ""


class LimitsTable(Table):
    """Soft limits kept by the guardian; what is not given is not watched (the compliances always are)."""

    low_V: float | None = None
    high_V: float | None = None
    current_A: float | None = Field(default=None, gt=0)
    charge_C: float | None = Field(default=None, gt=0)
    rate_V_per_s: float | None = Field(default=None, gt=0)
    jump_V: float | None = Field(default=0.5, gt=0)
    """A jump between two readings at an unchanged set point: a contact opened or a short."""
