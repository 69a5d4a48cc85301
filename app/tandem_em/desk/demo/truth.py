"""What went into the demo, kept beside what TandEM measures: outlines, areas, drift, charge, concentrations, clocks."""

from __future__ import annotations

import numpy as np

from tandem_em.analysis.geometry import polygon
from tandem_em.core.numeric import Floats
from tandem_em.model.provenance import Truth
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.simulation.eels_images import EelsTruth
from tandem_em.simulation.movie_physics import truth
from tandem_em.simulation.movie_recipe import MovieRecipe

VERTICES = 180
"""Of a stored outline, at even steps along it."""


def truth_of_movie(recipe: MovieRecipe, stack_id: str) -> Truth:
    """Outlines (frame, vertex, x y), areas and drift of every frame."""
    found = Truth(name="movie", analysis="movie", owner_id=stack_id, simulated=True)
    found.arrays = {"times_s": np.array(recipe.times_s), "drift_px": np.array(recipe.drift_px)}
    found.units = {"times_s": "s", "drift_px": "px"}
    frames = [truth(recipe, frame) for frame in range(recipe.shape[0])]
    for name in recipe.target_members:
        outlines = [frame[name] for frame in frames]
        found.arrays[f"area_nm2_{name}"] = (
            np.array([polygon.area(each) for each in outlines]) * recipe.pixel_nm**2
        )
        found.arrays[f"outline_px_{name}"] = np.array(
            [polygon.resampled(each, VERTICES) for each in outlines], np.float32
        )
        found.units |= {f"area_nm2_{name}": "nm²", f"outline_px_{name}": "px"}
    return found


def truth_of_map(image: SpectrumImage, made_of: EelsTruth) -> Truth:
    """Concentrations, thickness, resolution, energy shift and net counts of one map (Y, X)."""
    found = Truth(name=image.name, analysis="map", owner_id=image.id, simulated=True)
    for element, atoms in made_of.atoms_nm3.items():
        _keep(found, f"atoms_nm3_{element}", atoms, "1/nm³")
    for name, counts in made_of.net_counts.items():
        _keep(found, f"net_counts_{name}", counts, "counts")
    _keep(found, "accumulated_Li_nm3", made_of.accumulation_nm3, "1/nm³")
    _keep(found, "thickness_nm", made_of.thickness_nm, "nm")
    _keep(found, "t_over_lambda", made_of.t_over_lambda, "")
    _keep(found, "fwhm_eV", made_of.fwhm_eV, "eV")
    _keep(found, "energy_shift_eV", made_of.energy_shift_eV, "eV")
    return found


def truth_of_streams(session: Session) -> Truth:
    """The charge that passed through each contact, and how far each clock is off."""
    clocks = {
        clock.name: {"offset_s": clock.offset_s, "rate_ppm": clock.rate_ppm} for clock in session.clocks
    }
    charge = {run.name: run.instrument["true_charge_C"] for run in session.runs}
    return Truth(
        name="streams",
        analysis="streams",
        values={"charge_C": charge, "clocks": clocks},
        simulated=True,
    )


def _keep(found: Truth, name: str, values: Floats, unit: str) -> None:
    # Single precision is finer than any noise in the demo, and half the file.
    found.arrays[name] = values.astype(np.float32)
    found.units[name] = unit
