"""Starts simulated instruments for trying out, demonstrations and tests, each with the table that connects to it.

with simulate("scpi") as smu, simulate("merlin") as camera:
    setup = Setup(source=[smu.table, camera.table])

python -m tandem_em.sources.simulators scpi merlin > SETUP.toml     runs until Ctrl+C
"""

from __future__ import annotations

import sys
import threading

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray
from tandem_em.simulation.movie_levels import level_recipe
from tandem_em.simulation.movie_physics import render_frame
from tandem_em.sources import registry
from tandem_em.sources.core.entry import Simulation, Simulator
from tandem_em.sources.setup import Setup, dump_setup, to_toml

MOVIE_FRAMES = 48


def simulators() -> dict[str, Simulator]:
    """What can be tried without an instrument, by kind."""
    return {kind: each.simulator for kind, each in registry.entries().items() if each.simulator is not None}


def simulate(
    kind: str, name: str = "", *, movie: AnyArray | None = None, rate_hz: float = 20.0
) -> Simulation:
    """Start the simulator of a kind. `movie`: what the cameras show (uint16)."""
    known = simulators()
    if kind not in known:
        raise UserError(f'There is no simulator of the kind "{kind}".', f"There are: {', '.join(known)}.")
    return known[kind].start(name or f"simulated {kind}", movie, rate_hz)


def particle_movie(frames: int = MOVIE_FRAMES, size: int = 256) -> NDArray[np.uint16]:
    """A bright-field movie of a particle that grows (takes a few seconds to make)."""
    recipe = level_recipe("easy", 3, frames=frames, size=size)
    return np.stack([render_frame(recipe, number) for number in range(frames)])


def main(kinds: list[str]) -> int:
    """Run simulators, write the set-up that connects to them, wait for Ctrl+C."""
    running: list[Simulation] = []
    chosen = kinds or list(simulators())
    try:
        # Rendering takes seconds: only when a simulator is named that shows it.
        cameras = {kind for kind, each in simulators().items() if each.shows_movie} & set(kinds)
        movie = particle_movie() if cameras else None
        running = [simulate(kind, movie=movie) for kind in chosen]
        sys.stdout.write(to_toml(dump_setup(Setup(source=[each.table for each in running]))) + "\n")
        sys.stdout.flush()
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        for each in running:
            each.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
