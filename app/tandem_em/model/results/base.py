"""What all typed results share: reading the stored arrays and values of a `ResultSet` into fields, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Self

import numpy as np

from tandem_em.core.numeric import AnyArray
from tandem_em.model.items import Item
from tandem_em.model.provenance import ResultSet


def array(unit: str | None = None, *, key: str = "", default: Any = MISSING) -> Any:
    """A field that is stored as an array under `key` (its own name), in a fixed unit."""
    return field(default=default, metadata={"stored": "array", "key": key, "unit": unit})


def value(key: str = "", *, read: Callable[[Any], Any] | None = None, default: Any = MISSING) -> Any:
    """A field that is stored as a plain value; one that is None is not stored."""
    return field(default=default, metadata={"stored": "value", "key": key, "read": read})


def unit_of(*keys: str) -> Any:
    """A field that holds the unit of some arrays, where it is not always the same."""
    return field(metadata={"stored": "unit", "keys": keys})


@dataclass
class Parts:
    """A result as it is stored."""

    arrays: dict[str, AnyArray] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, key: str, values: AnyArray, unit: str | None = None) -> None:
        """Put an array in under `key`; `unit` None: no unit is stored, "" means dimensionless."""
        self.arrays[key] = values
        if unit is not None:
            self.units[key] = unit


@dataclass(frozen=True, eq=False, kw_only=True)
class TypedResult:
    """One kind of result. Subclasses declare their fields with `array`, `value` and `unit_of`."""

    analysis: ClassVar[str] = ""
    """The name under which it is stored, also that of the analysis that makes it."""

    @classmethod
    def from_result(cls, result: ResultSet) -> Self:
        """KeyError names what a stored result lacks."""
        found: dict[str, Any] = cls._read_more(result)
        for each in fields(cls):
            kind, key = each.metadata.get("stored"), each.metadata.get("key") or each.name
            if kind == "unit":
                found[each.name] = result.units.get(each.metadata["keys"][0], "")
            elif kind == "array" and key in result.arrays:
                found[each.name] = np.asarray(result.arrays[key])
            elif kind == "value" and key in result.values:
                read = each.metadata["read"]
                found[each.name] = read(result.values[key]) if read else result.values[key]
            elif kind in ("array", "value") and each.default is MISSING:
                raise KeyError(f"{result.name or result.id} has no {key}")
        return cls(**found)

    @classmethod
    def of(cls, result: ResultSet | None) -> Self | None:
        """The same where the result is of this kind and whole; else None."""
        if result is None or not cls.is_kind_of(result):
            return None
        try:
            return cls.from_result(result)
        except (KeyError, TypeError, ValueError):
            return None

    @classmethod
    def is_kind_of(cls, result: ResultSet) -> bool:
        """Whether a stored result comes from this analysis."""
        return result.analysis == cls.analysis

    def to_result(self, name: str, owner: Item) -> ResultSet:
        """To be stored; `owner`: the stream, particle or site that it is about."""
        parts = self.parts()
        return ResultSet(
            name=name, analysis=self.stored_as, arrays=parts.arrays, units=parts.units, values=parts.values,
            owner_id=owner.id, simulated=owner.simulated,
        )  # fmt: skip

    @property
    def stored_as(self) -> str:
        """The analysis name it gets in the file."""
        return self.analysis

    def parts(self) -> Parts:
        """Arrays, units and values as they are stored."""
        parts = Parts()
        self._write_more(parts)
        for each in fields(self):
            kind, key = each.metadata.get("stored"), each.metadata.get("key") or each.name
            own = getattr(self, each.name)
            if kind == "unit":
                parts.units |= dict.fromkeys(each.metadata["keys"], own)
            elif kind == "array" and own is not None:
                parts.add(key, own, each.metadata["unit"])
            elif kind == "value" and own is not None:
                # JSON knows no tuples: a list is what comes back anyway
                parts.values[key] = list(own) if isinstance(own, tuple) else own
        return parts

    @classmethod
    def _read_more(cls, result: ResultSet) -> dict[str, Any]:
        """Fields that are not stored one by one."""
        return {}

    def _write_more(self, parts: Parts) -> None:
        """The same the other way round."""


def numbered(result: ResultSet, stem: str) -> list[AnyArray]:
    """Arrays `stem1`, `stem2` … as far as they go."""
    found: list[AnyArray] = []
    while (key := f"{stem}{len(found) + 1}") in result.arrays:
        found.append(np.asarray(result.arrays[key]))
    return found
