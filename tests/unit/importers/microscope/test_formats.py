"""What the readers understand: axes, units, times, microscopes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from microscope_reading import map_in, opened, stack_in
from places import DATA

from tandem_em.core.notices import UserError
from tandem_em.importers.core.base import ImportOptions

TEM, EELS = DATA / "tem", DATA / "eels"


def test_a_dm4_spectrum_image_has_energy_last_and_knows_its_microscope() -> None:
    spectra = map_in(EELS / "EELS_SI.dm4")
    assert spectra.shape == (2, 2, 2048)
    assert spectra.energy_eV[[0, 1, -1]] == pytest.approx([300.0, 301.0, 2347.0])
    assert spectra.pixel_nm == pytest.approx((1.992, 1.992), abs=1e-3)
    assert (spectra.beam_kV, spectra.convergence_mrad, spectra.collection_mrad) == (200.0, 21.0, 62.0)
    assert spectra.dwell_s == pytest.approx(0.01995, abs=1e-5)
    assert spectra.counts_per_electron == pytest.approx(7.78, abs=1e-3)
    assert spectra.clock.start_iso.startswith("2019-05-14T20:50:13")
    assert spectra.clock.zone_assumed
    assert spectra.clock.uncertainty_s == 1.0
    assert spectra.start == 0.0
    assert spectra.end == pytest.approx(4 * 0.01995, abs=1e-4)
    pixel = spectra.source.read((1, 0))
    assert pixel.shape == (2048,)
    assert np.array_equal(pixel, spectra.source.read((slice(None),))[1, 0])


def test_dm3_and_dm4_of_the_same_image_agree() -> None:
    one, other = map_in(EELS / "ref_F_2_1.dm3"), map_in(EELS / "ref_F_2_1.dm4")
    assert one.shape == other.shape == (3, 4, 5)
    assert np.array_equal(one.source.read((slice(None),)), other.source.read((slice(None),)))
    assert one.pixel_nm == other.pixel_nm == pytest.approx((2000.0, 2000.0))


def test_the_zone_a_person_gives_is_used_for_dates_without_one() -> None:
    spectra = map_in(EELS / "EELS_SI.dm4", ImportOptions(zone="Europe/Berlin"))
    assert spectra.clock.start_iso.endswith("+02:00")
    assert spectra.clock.zone == "Europe/Berlin"
    assert spectra.clock.zone_assumed
    with pytest.raises(UserError, match="time zone"):
        map_in(EELS / "EELS_SI.dm4", ImportOptions(zone="Middle/Earth"))


def test_low_loss_offsets_are_negative() -> None:
    assert map_in(EELS / "ll.dm3").energy_eV[0] == pytest.approx(-40.0, abs=1e-3)
    assert map_in(EELS / "ll.msa").energy_eV[0] == pytest.approx(-40.0, abs=1e-3)
    assert map_in(EELS / "Cr_L_ll.hspy").energy_eV[[0, -1]] == pytest.approx([-20.0, 183.4])


def test_a_curve_without_energies_is_refused_with_a_sentence() -> None:
    with pytest.raises(UserError, match="without an energy axis"):
        opened(EELS / "ref_F_0_1.dm3")


def test_colours_and_complex_numbers_become_plain_images() -> None:
    coloured = opened(TEM / "test-23.dm3")
    assert coloured.items[0].source.dtype == np.uint8  # type: ignore[attr-defined]
    assert any("grey" in problem for problem in coloured.problems)
    wave = opened(TEM / "test-13.dm3")
    assert wave.items[0].source.dtype == np.float64  # type: ignore[attr-defined]
    assert any("modulus" in problem for problem in wave.problems)


def test_an_x_column_that_disagrees_with_the_header_wins() -> None:
    imported = opened(EELS / "powerlaw.msa")
    spectrum = imported.items[0]
    assert spectrum.energy_eV[[0, 1, -1]] == pytest.approx([100.0, 104.04, 500.0])  # type: ignore[attr-defined]
    assert any("x column" in problem for problem in imported.problems)


def test_an_x_column_that_counts_channels_does_not() -> None:
    assert map_in(EELS / "line.msa").energy_eV[0] == pytest.approx(357.5)


def test_xy_pairs_in_several_columns() -> None:
    assert map_in(EELS / "ISO_22029_2022_compliance_XY_NCOLUMNS2.msa").shape == (1, 1, 21)


def test_x_ray_spectra_say_what_they_are() -> None:
    imported = opened(EELS / "example2.msa")
    assert any("X-ray" in problem for problem in imported.problems)


def test_an_impossible_date_is_no_date() -> None:
    spectrum = map_in(EELS / "example1_wrong_date.msa")
    assert spectrum.clock.start_iso == ""
    assert spectrum.start is None
    assert spectrum.dwell_s == pytest.approx(0.1)


HEADER = (
    "#FORMAT : EMSA/MAS Spectral Data File\n#VERSION : 1.0\n#NPOINTS : {n}\n#NCOLUMNS : 1\n#XUNITS : {unit}\n"
)


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("Y", "1,5\n2,5\n3,25\n", [1.5, 2.5, 3.25]),
        ("XY", "0,0; 1,5\n0,5; 2,5\n1,0; 3,25\n", [1.5, 2.5, 3.25]),
        ("XY", "0,0\t1,5\r\n0,5\t2,5\r\n1,0\t3,25\r\n", [1.5, 2.5, 3.25]),
        ("Y", "1.5, 2.5, 3.25\n", [1.5, 2.5, 3.25]),
        ("XY", "0.0, 1.5\n0.5, 2.5\n1.0, 3.25\n", [1.5, 2.5, 3.25]),
    ],
)
def test_decimal_commas_are_told_from_separators(
    tmp_path: Path, kind: str, body: str, expected: list[float]
) -> None:
    path = tmp_path / "spectrum.msa"
    head = HEADER.format(n=3, unit="keV") + f"#DATATYPE : {kind}\n#XPERCHAN : 0,5\n#OFFSET : 0\n#SPECTRUM :\n"
    path.write_text(head + body + "#ENDOFDATA :\n", "latin-1")
    spectrum = map_in(path)
    assert spectrum.source.read((0, 0)) == pytest.approx(expected)
    assert spectrum.energy_eV == pytest.approx([0.0, 500.0, 1000.0])


def test_no_points_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "empty.msa"
    path.write_text(HEADER.format(n=0, unit="eV") + "#SPECTRUM :\n#ENDOFDATA :\n")
    with pytest.raises(UserError, match="no data points"):
        opened(path)


def test_descending_energies_are_turned_round(tmp_path: Path) -> None:
    path = tmp_path / "down.msa"
    path.write_text(
        HEADER.format(n=3, unit="eV") + "#DATATYPE : Y\n#XPERCHAN : -1\n#OFFSET : 10\n#SPECTRUM :\n7\n8\n9\n"
    )
    spectrum = map_in(path)
    assert spectrum.energy_eV == pytest.approx([8.0, 9.0, 10.0])
    assert spectrum.source.read((0, 0, slice(None))) == pytest.approx([9.0, 8.0, 7.0])


def test_a_direct_electron_movie_takes_its_rate_from_the_info_file(tmp_path: Path) -> None:
    stem = tmp_path / "20250429_06700"
    (tmp_path / f"{stem.name}_movie.mrc").write_bytes((TEM / "Custom_movie.mrc").read_bytes())
    (tmp_path / f"{stem.name}_info.txt").write_bytes((TEM / "Custom_info.txt").read_bytes())
    stack = stack_in(tmp_path / f"{stem.name}_movie.mrc")
    assert stack.shape == (30, 16, 16)
    assert stack.times_from == "nominal"
    assert stack.times[-1] == pytest.approx(29.0)
    assert stack.pixel_nm == pytest.approx(1.0)
    assert stack.clock.start_iso.startswith("2025-04-29T19:45:00")


def test_a_log_beside_a_movie_gives_its_true_times(tmp_path: Path) -> None:
    movie = tmp_path / "movie.mrc"
    movie.write_bytes((TEM / "Custom_movie.mrc").read_bytes())
    times = np.cumsum(np.r_[0.0, np.full(28, 100.0), 300.0])
    rows = "\n".join(f"{i};{t:.1f}" for i, t in enumerate(times))
    (tmp_path / "movie.csv").write_text(f"frame;time (ms)\n{rows}\n")
    imported = opened(movie)
    stack = imported.items[0]
    assert stack.times_from == "companion log"  # type: ignore[attr-defined]
    assert stack.times == pytest.approx(times / 1e3)  # type: ignore[attr-defined]
    assert any("dropped" in problem for problem in imported.problems)


def test_an_unknown_third_axis_is_asked_once_and_answered_by_options(tmp_path: Path) -> None:
    path = tmp_path / "stack.mrc"
    path.write_bytes((TEM / "Custom_movie.mrc").read_bytes())
    asked = opened(path)
    assert asked.items[0].axis0_is_time is None  # type: ignore[attr-defined]
    assert [question.key for question in asked.questions] == ["axis0_is_time"]
    still = stack_in(path, ImportOptions(axis0_is_time=False, pixel_nm=0.5))
    assert still.axis0_is_time is False
    assert np.isnan(still.times).all()
    assert (still.pixel_nm, still.pixel_from) == (0.5, "typed")
    timed = stack_in(path, ImportOptions(axis0_is_time=True, frame_interval_s=0.25))
    assert timed.times[-1] == pytest.approx(29 * 0.25)
    assert timed.times_from == "nominal"


def test_velox_stamps_are_the_cameras_own() -> None:
    stack = stack_in(TEM / "fei_example_tem_stack.emd")
    assert stack.shape == (2, 3, 3)
    assert stack.times == pytest.approx([0.0, 0.8], abs=1e-3)
    assert stack.times_from == "file"
    assert stack.exposure_s == pytest.approx(0.8)
    assert stack.pixel_nm == pytest.approx(8.17288e-3, rel=1e-5)
    assert stack.instrument["beam_kV"] == 300.0


def test_tvips_stamps_and_reciprocal_pixels() -> None:
    imported = opened(TEM / "test_tvips_2233_000.tvips")
    stack = imported.items[0]
    assert stack.times == pytest.approx([0.0, 0.001, 0.002, 0.003], abs=1e-5)  # type: ignore[attr-defined]
    assert stack.pixel_nm is None  # type: ignore[attr-defined]
    assert any("diffraction" in problem for problem in imported.problems)


def test_a_scan_of_patterns_is_no_movie() -> None:
    imported = opened(TEM / "test1.blo")
    stack = imported.items[0]
    assert stack.shape == (6, 144, 144)  # type: ignore[attr-defined]
    assert stack.axis0_is_time is False  # type: ignore[attr-defined]
    assert any("not in time" in problem for problem in imported.problems)


def test_tia_series_and_their_emi_are_the_same() -> None:
    one = stack_in(TEM / "64x64x5_TEM_preview_1.ser")
    other = stack_in(TEM / "64x64x5_TEM_preview.emi")
    assert one.shape == other.shape == (5, 64, 64)
    assert one.pixel_nm == other.pixel_nm == pytest.approx(6.28183, abs=1e-4)
    assert other.magnification == 19500.0
    assert np.array_equal(one.frame(4), other.frame(4))


def test_an_emi_without_its_series_says_so(tmp_path: Path) -> None:
    lonely = tmp_path / "alone.emi"
    lonely.write_bytes((TEM / "64x64x5_TEM_preview.emi").read_bytes())
    with pytest.raises(UserError, match=r"alone_1\.ser"):
        opened(lonely)


def merlin(count: int, step_ms: float = 100.0, skip: int | None = None) -> bytes:
    out = []
    for number in range(count):
        if number == skip:
            continue
        micro = round(number * step_ms * 1000)
        stamp = f"2021-05-07 18:51:{10 + micro // 1_000_000:02d}.{micro % 1_000_000:06d}"
        text = f"MQ1,{number + 1:06d},00384,01,0004,0003,U16,   1x1,01,{stamp},0.05,0,0,0"
        pixels = np.full((3, 4), number, ">u2")
        pixels[0] = 7
        out.append(text.encode().ljust(384, b"\0") + pixels.tobytes())
    return b"".join(out)


def test_merlin_frames_keep_stamps_numbers_and_name_the_lost_one(tmp_path: Path) -> None:
    path = tmp_path / "film.mib"
    path.write_bytes(merlin(8, skip=5) + b"MQ1 cut")
    imported = opened(path)
    stack = imported.items[0]
    assert stack.shape == (7, 3, 4)  # type: ignore[attr-defined]
    assert stack.times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7])  # type: ignore[attr-defined]
    assert stack.exposure_s == pytest.approx(0.05)  # type: ignore[attr-defined]
    assert stack.frame(6)[2, 0] == 7  # type: ignore[attr-defined]
    assert any("1 frame numbers are missing" in problem for problem in imported.problems)
    assert any("cut off" in problem for problem in imported.problems)


def test_dual_eels_and_survey_are_tied(tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "dual.hspy"
    with h5py.File(path, "w") as file:
        for name, offset in (("core", 500.0), ("low", -20.0)):
            group = file.create_group(f"Experiments/{name}")
            group["data"] = np.full((4, 3, 100), offset, np.float32)
            for i, (size, unit, step, start) in enumerate(
                ((4, "nm", 2.0, 0.0), (3, "nm", 2.0, 0.0), (100, "eV", 1.0, offset))
            ):
                group.create_group(f"axis-{i}").attrs.update(
                    size=size, units=unit, scale=step, offset=start, name=""
                )
            group.create_group("metadata/Signal").attrs["signal_type"] = "EELS"
        survey = file.create_group("Experiments/HAADF")
        survey["data"] = np.arange(48, dtype=np.uint16).reshape(8, 6)
        for i, size in enumerate((8, 6)):
            survey.create_group(f"axis-{i}").attrs.update(
                size=size, units="nm", scale=1.0, offset=0.0, name=""
            )
    items = {item.name: item for item in opened(path).items}
    assert set(items) == {"core", "low"}
    assert items["core"].low_loss_id == items["low"].id  # type: ignore[attr-defined]
    assert items["low"].low_loss_id == ""  # type: ignore[attr-defined]
    assert items["core"].adf.shape == (8, 6)  # type: ignore[attr-defined]
    assert items["core"].pixel_nm == (2.0, 2.0)  # type: ignore[attr-defined]
