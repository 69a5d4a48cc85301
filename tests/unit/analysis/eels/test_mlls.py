"""References and components: shares that add up, errors that are the scatter, factors that are not noise."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.eels.components import non_negative_factors, principal_components
from tandem_em.analysis.eels.mlls import fit_references
from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError

ENERGY = 10.0 + 0.5 * np.arange(120)
REFERENCES = np.stack(
    [
        400 * np.exp(-0.5 * ((ENERGY - 24) / 4) ** 2) + 30,
        300 * np.exp(-0.5 * ((ENERGY - 33) / 6) ** 2) + 20,
        500 * np.exp(-0.5 * ((ENERGY - 17) / 2) ** 2) + 10,
    ]
)


def mixture(seed: int = 0, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([1, 1, 1], (20, 25))
    return rng.poisson(scale * shares @ REFERENCES).astype(np.float32), shares


def test_shares_are_found_within_the_errors_given() -> None:
    data, shares = mixture()
    fit = run_to_end(fit_references(data, ENERGY, REFERENCES, ["a", "b", "c"]))
    pull = (fit.coefficients - np.moveaxis(shares, -1, 0)) / fit.errors
    assert pull.std() == pytest.approx(1.0, abs=0.12)
    assert abs(pull.mean()) < 0.1
    assert fit.reduced_chi2.mean() == pytest.approx(1.0, abs=0.05)
    assert fit.names == ("a", "b", "c")
    assert fit.coefficients.shape == (3, 20, 25)
    np.testing.assert_allclose(
        fit.model(REFERENCES, ENERGY, (3, 4)), fit.coefficients[:, 3, 4] @ REFERENCES, rtol=1e-9
    )


def test_a_power_law_underneath_is_fitted_along() -> None:
    data, shares = mixture(1)
    under = 400.0 * (ENERGY / ENERGY[0]) ** -3.0
    fit = run_to_end(fit_references(data + under, ENERGY, REFERENCES, background_powers=(3.0,)))
    assert fit.background is not None
    assert fit.background.mean() == pytest.approx(400, rel=0.05)
    assert (fit.coefficients - np.moveaxis(shares, -1, 0)).mean() == pytest.approx(0, abs=0.01)


def test_non_negative_shares_stay_so_and_fit_no_worse_than_they_must() -> None:
    data, _ = mixture(2, 0.2)
    free = run_to_end(fit_references(data, ENERGY, REFERENCES))
    kept = run_to_end(fit_references(data, ENERGY, REFERENCES, non_negative=True))
    assert free.coefficients.min() < 0
    assert kept.coefficients.min() >= 0
    clean = (free.coefficients >= 0).all(axis=0)
    np.testing.assert_allclose(kept.coefficients[:, clean], free.coefficients[:, clean])


def test_references_that_cannot_be_told_apart_are_a_sentence() -> None:
    data, _ = mixture()
    twice = np.stack([REFERENCES[0], 2 * REFERENCES[0]])
    with pytest.raises(UserError, match="are too similar"):
        run_to_end(fit_references(data, ENERGY, twice))
    with pytest.raises(UserError, match="empty inside"):
        run_to_end(fit_references(data, ENERGY, REFERENCES * 0))
    with pytest.raises(UserError, match="channels"):
        run_to_end(fit_references(data, ENERGY, REFERENCES[:, :-1]))


@pytest.mark.parametrize("shape", [(20, 25), (4, 10)])
def test_as_many_components_as_there_are_ingredients_rise_over_noise(shape: tuple[int, int]) -> None:
    data, _ = mixture(3, 4.0)
    data = data[: shape[0], : shape[1]]
    found = run_to_end(principal_components(data, 8))
    assert found.suggested == 3
    assert found.scree[0] > found.scree[1] > found.scree[2] > 3 * found.scree[3]
    np.testing.assert_allclose(found.scree.sum(), 1.0)
    rescaled = run_to_end(principal_components(50.0 * data, 8))  # noise of a detector whose gain nobody knows
    assert rescaled.suggested == 3
    assert found.maps.shape == (8, *shape)


def test_reconstruction_is_nearer_the_truth_than_the_data() -> None:
    data, shares = mixture(4)
    truth = shares @ REFERENCES
    clean = run_to_end(principal_components(data, 3)).reconstruct()
    assert ((clean - truth) ** 2).mean() < 0.1 * ((data - truth) ** 2).mean()
    whole = run_to_end(principal_components(data, 120)).reconstruct()
    np.testing.assert_allclose(whole, data, atol=0.05)


def test_factors_are_positive_and_make_the_data() -> None:
    data, shares = mixture(5, 4.0)
    found = run_to_end(non_negative_factors(data, 3))
    assert found.maps.min() >= 0
    assert found.factors.min() >= 0
    np.testing.assert_allclose(found.factors.sum(axis=1), 1.0)
    assert ((found.reconstruct() - 4 * shares @ REFERENCES) ** 2).mean() < 0.2 * data.mean()
    again = run_to_end(non_negative_factors(data, 3))
    np.testing.assert_array_equal(found.factors, again.factors)


def test_empty_and_broken_data_are_sentences_or_ignored() -> None:
    with pytest.raises(UserError, match="no counts"):
        run_to_end(principal_components(np.zeros((4, 5, 30))))
    with pytest.raises(UserError, match="two spectra"):
        run_to_end(principal_components(np.ones(30)))
    data, _ = mixture(6)
    data[3, 3, 10] = np.nan
    assert np.isfinite(run_to_end(principal_components(data, 3)).factors).all()
