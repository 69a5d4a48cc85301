"""The lithium lane: x in LixSi from the swelling of each particle, from the charge and from EELS maps, on one axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tandem_em.desk.biasing.runs import cell_of
from tandem_em.desk.eels import lithium_of_sites
from tandem_em.desk.lanes.area import Area
from tandem_em.desk.lanes.charge import PASSED
from tandem_em.desk.lanes.lithium_numbers import charge_as_x, x_from_volume, x_per_coulomb
from tandem_em.desk.lanes.run_lane import RunLane, series_of
from tandem_em.desk.lanes.series import Interval, OfRun, Points, Scaling, Series, ValueAt
from tandem_em.desk.lanes.source import Heading
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session

NO_SWELLING = "Follow a silicon particle: its swelling gives the lithium content."
CHARGE_COLOUR = "#8a8f98"  # of no particle, on white and on black


class Lithium(RunLane):
    """The lane of the lithium content, x in LixSi, by swelling, charge and EELS."""

    kind, title, name = "lithium", "Lithium", "Lithium from charge, swelling and EELS"
    caption = "x in LiₓSi"
    shows_each, has_names = True, True
    needs = ("current",)

    def heading(self, session: Session) -> Heading:
        """The short title also on the axis."""
        return Heading(self.title, self.title, self.unit, self.caption)  # its name is too long for an axis

    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        """In no table of a run: it is scaled by what particles do that were filmed meanwhile."""
        return []

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        """x by swelling and EELS; x by charge only where there is swelling to set it beside."""
        swollen = of_swelling(session)
        passed = [_charge(session, run, swollen) for run in self.runs(session)] if swollen else []
        return [*swollen, *passed, *of_maps(session)]

    def missing(self, session: Session, *, asked: bool) -> str:
        """That a silicon particle has to be followed."""
        return NO_SWELLING


def of_swelling(session: Session) -> list[Series]:
    """x that the swelling of each visible particle says, with its limits."""
    return [_as_x(series) for series in Area("volume").curves(session, None) if not series.is_fit]


def _as_x(series: Series) -> Series:
    points = series.samples
    assert isinstance(points, Points)
    limits = [None if side is None else x_from_volume(side) for side in (points.low, points.high)]
    return replace(series, samples=Points(points.x, x_from_volume(points.y), *limits))


def _charge(session: Session, run: BiasRun, swollen: list[Series]) -> Series:
    """The charge of a run as x, once it is known; what it is scaled by stands in the name."""
    swelling = [(each.samples.x, each.samples.y) for each in swollen if isinstance(each.samples, Points)]
    known = x_per_coulomb(cell_of(session, run))

    def scaling(extent: Interval, value_at: ValueAt) -> Scaling | None:
        found = charge_as_x(known, np.array(extent), swelling, value_at)
        if found is None:
            return None
        return Scaling(found.label, found.per_coulomb, -found.zero_C * found.per_coulomb)

    made = series_of(session, run, OfRun(run, PASSED), key="lithium", name="charge")
    return replace(made, role="neutral", colour=CHARGE_COLOUR, scaling=scaling)


def of_maps(session: Session) -> list[Series]:
    """What was read from maps: a level as long as the map took, with its error."""
    return [
        Series(
            key=each.key, name=each.name, colour=each.colour, is_stale=each.is_stale,
            samples=Points(np.array([each.start, each.end]), np.full(2, each.x), error=np.full(2, each.error)),
        )
        for each in lithium_of_sites.readings(session)
    ]  # fmt: skip
