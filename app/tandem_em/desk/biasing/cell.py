"""The numbers of a cell for its form: chemistries, capacities, and current, density and C-rate of one another."""

from __future__ import annotations

from tandem_em.analysis.cycling.cell_numbers import CHEMISTRIES as CHEMISTRIES
from tandem_em.analysis.cycling.cell_numbers import CalculatorAnswer as CalculatorAnswer
from tandem_em.analysis.cycling.cell_numbers import areal_capacity_uAh_cm2 as areal_capacity_uAh_cm2
from tandem_em.analysis.cycling.cell_numbers import calculate as calculate
from tandem_em.analysis.cycling.cell_numbers import limiting_capacity_uAh_cm2 as limiting_capacity_uAh_cm2
