"""Recording: disk first, honest counters, few calls to the session's thread, what was kept before the start."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from at_once import AtOnce
from places import DATA
from waiting import take_time, wait_until

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import Notices
from tandem_em.desk.desk import Desk
from tandem_em.desk.document import files
from tandem_em.desk.live import pre_trigger
from tandem_em.desk.live.recorder import Recorder
from tandem_em.desk.readout import read_at
from tandem_em.desk.settings import Settings
from tandem_em.desk.stacks import dose
from tandem_em.model.session import Session
from tandem_em.sources.core.base import (
    Block,
    ClockFit,
    EventBlock,
    FrameBlock,
    SampleBlock,
    SourceDescription,
    SourceStatus,
    State,
    host_now,
)
from tandem_em.sources.core.queues import BlockQueue
from tandem_em.storage.gate import disk_space

EELS = DATA / "eels"


class GivenSource:
    """A source whose blocks the test puts in by hand."""

    def __init__(self, name: str, kind: str = "zmq", **instrument: object) -> None:
        self._name, self._kind, self._instrument = name, kind, instrument
        self.queue = BlockQueue()
        self.state: State = "running"
        self.reads = 0
        self.stops = 0
        self.stop_takes_s = 0.0
        self.last_word: Callable[[], None] = lambda: None
        """What still comes while the source is being stopped."""
        self.fit = ClockFit()

    @property
    def name(self) -> str:
        return self._name

    def describe(self) -> SourceDescription:
        return SourceDescription(name=self._name, kind=self._kind, instrument=self._instrument)  # type: ignore[arg-type]

    def start(self) -> None:
        pass

    def read(self, timeout: float) -> Block | None:
        self.reads += 1
        return self.queue.get(timeout)

    def stop(self) -> None:
        take_time(self.stop_takes_s)  # an instrument that is slow to be made safe
        self.stops += 1
        self.last_word()
        self.queue.close()

    def close(self) -> None:
        pass

    def status(self) -> SourceStatus:
        return SourceStatus(
            state=self.state, received=self.queue.received, missed=2, refused=1, rate_hz=self.queue.rate_hz()
        )

    def clock_fit(self) -> ClockFit:
        return self.fit

    def samples(self, times: list[float], *, new_segment: bool = False, host: float | None = None) -> None:
        hosts = np.full(len(times), host_now() if host is None else host)
        values = np.array(times)
        block = SampleBlock(
            source=self._name, times=values, host_times=hosts, columns={"voltage": values + 3.0},
            new_segment=new_segment,
        )  # fmt: skip
        self.queue.put(block)

    def frame(self, number: int, shape: tuple[int, int] = (4, 6), time_s: float | None = None) -> None:
        self.queue.put(
            FrameBlock(
                source=self._name,
                frame=np.full(shape, number, np.uint16),
                time=0.1 * number if time_s is None else time_s,
                host_time=host_now(),
                frame_number=number,
            )
        )


class Bench:
    """A recorder over a real file; `work_off` is the session's thread."""

    def __init__(self, folder: Path, *sources: GivenSource) -> None:
        self.session = Session("bench")
        self.opened = run_to_end(files.create_session(folder / "bench.nxs", self.session, for_recording=True))
        self.posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.posts = 0
        self.notices = Notices()
        self.recorder = Recorder(
            self.session, self.opened.store, list(sources), self.notices, self.post, follow=False
        )

    def post(self, action: Callable[[], None]) -> None:
        self.posts += 1
        self.posted.put(action)

    def work_off(self) -> None:
        while not self.posted.empty():
            self.posted.get()()

    def wait_until(self, is_so: Callable[[], bool], limit_s: float = 20.0) -> None:
        wait_until(is_so, limit_s, meanwhile=self.work_off)

    def stop(self) -> None:
        self.recorder.stop()
        self.work_off()
        run_to_end(self.opened.store.save(self.session))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(*sources: GivenSource) -> Bench:
        made.append(Bench(tmp_path, *sources))
        return made[-1]

    yield make
    for each in made:
        if each.recorder.state != "stopped":
            each.recorder.stop()
        each.opened.store.close()


def test_samples_and_frames_are_in_the_file_and_in_the_session(bench, tmp_path) -> None:
    bias, camera = GivenSource("bias"), GivenSource("camera")
    b = bench(bias, camera)
    b.recorder.start()
    for number in range(20):
        bias.samples([0.01 * number, 0.01 * number + 0.005])
        camera.frame(number)
    b.wait_until(
        lambda: all(c.acknowledged == (40, 20)[n] for n, c in enumerate(b.recorder.counters().values()))
    )
    counters = b.recorder.counters()["camera"]
    assert (counters.received, counters.written, counters.missed, counters.refused) == (20, 20, 2, 1)
    b.stop()
    again = run_to_end(files.open_session(tmp_path / "bench.nxs", readonly=True))
    run, stack = again.session.runs.first, again.session.stacks.first
    assert run is not None
    assert stack is not None
    assert len(run) == len(b.session.runs.first) == 40
    np.testing.assert_allclose(run.values("voltage"), run.times.view + 3.0)
    assert [int(stack.frame(n)[0, 0]) for n in range(20)] == list(range(20))
    np.testing.assert_allclose(stack.times, b.session.stacks.first.times)
    assert list(stack.frame_numbers) == list(range(20))
    again.store.close()


def test_a_thousand_frames_are_a_few_calls_to_the_sessions_thread(bench) -> None:
    camera = GivenSource("camera")
    b = bench(camera)
    b.recorder.start()
    for number in range(1000):
        camera.frame(number)
    b.wait_until(lambda: b.recorder.counters()["camera"].acknowledged == 1000)
    b.wait_until(lambda: len(b.session.stacks) == 1 and len(b.session.stacks.first) == 1000)
    assert b.posts < 120
    b.stop()


def test_nothing_waits_twice_for_a_busy_session_thread(bench) -> None:
    camera = GivenSource("camera")
    b = bench(camera)
    b.recorder.start()
    for number in range(300):
        camera.frame(number)
    wait_until(lambda: b.recorder.counters()["camera"].acknowledged >= 300)
    shown = b.posts
    assert shown < 25, "one piece on its way, and the clock once a second"
    b.stop()
    assert len(b.session.stacks.first) == 300


def test_a_source_that_comes_back_goes_on_as_a_new_segment(bench) -> None:
    bias = GivenSource("bias")
    b = bench(bias)
    b.recorder.start()
    bias.samples([0.0, 0.1])
    bias.queue.put(EventBlock(source="bias", host_time=host_now(), text="bias lost.", category="warning"))
    bias.samples([1.0, 1.1], new_segment=True)
    bias.samples([1.2])
    b.wait_until(lambda: len(b.session.runs) == 1 and len(b.session.runs.first) == 5)
    assert b.session.runs.first.segment_starts == [0, 2]
    assert [event.name for event in b.session.events] == ["bias lost."]
    b.stop()


def test_frames_of_another_size_begin_another_stack(bench) -> None:
    camera = GivenSource("camera")
    b = bench(camera)
    b.recorder.start()
    camera.frame(0)
    camera.frame(1, shape=(8, 8))
    b.wait_until(lambda: len(b.session.stacks) == 2 and all(len(s) == 1 for s in b.session.stacks))
    b.stop()


def test_what_was_kept_before_the_start_is_recorded(bench) -> None:
    bias = GivenSource("bias")
    b = bench(bias)
    b.recorder.arm(30.0)
    bias.samples([0.0, 0.1], host=host_now() - 1.0)
    b.wait_until(lambda: bias.queue.size[0] == 0)
    assert b.recorder.state == "armed"
    assert len(b.session.runs) == 0
    b.recorder.start()
    bias.samples([1.0])
    b.wait_until(lambda: len(b.session.runs) == 1 and len(b.session.runs.first) == 3)
    assert b.session.runs.first.t[0] == pytest.approx(-1.0, abs=0.5)
    b.stop()


def test_only_the_last_seconds_are_kept_and_never_more_than_the_memory_for_it(monkeypatch) -> None:
    monkeypatch.setattr(pre_trigger, "MOST_BYTES", 200)
    kept = pre_trigger.PreTriggerBuffer(GivenSource("camera"), 100.0)
    camera = GivenSource("camera")
    for number in range(20):
        camera.frame(number)
        block = camera.read(0.1)
        assert block is not None
        kept._keep(block)
    assert [block.frame_number for _, block in kept._blocks] == [16, 17, 18, 19]
    kept._forget(host_now() + 101)
    assert not kept._blocks
    assert kept._bytes == 0


def test_an_armed_recorder_that_is_stopped_writes_nothing(bench) -> None:
    bias = GivenSource("bias")
    b = bench(bias)
    b.recorder.arm(10.0)
    bias.samples([0.0])
    b.stop()
    assert len(b.session.runs) == 0


def test_sources_are_stopped_at_the_same_time(bench) -> None:
    sources = [GivenSource(f"meter {n}") for n in range(3)]
    for source in sources:
        source.stop_takes_s = 0.4
    b = bench(*sources)
    b.recorder.start()
    begun = time.monotonic()
    b.recorder.halt()
    assert time.monotonic() - begun < 1.1
    assert [source.stops for source in sources] == [1, 1, 1]


@pytest.mark.expects_log
def test_it_stops_by_itself_before_the_disk_is_full(bench, monkeypatch) -> None:
    camera = GivenSource("camera")
    b = bench(camera)
    b.recorder.start()
    for number in range(50):
        camera.frame(number)
    b.wait_until(lambda: len(b.session.stacks) == 1 and len(b.session.stacks.first) == 50)
    minutes = b.recorder.check_disk()
    assert minutes is not None
    assert minutes > 1
    monkeypatch.setattr(disk_space, "free_bytes", lambda _path: 900_000_000)
    b.recorder._next_disk_look = 0.0
    assert b.recorder.check_disk() == 0.0
    assert b.recorder.has_to_stop
    assert any("stopped" in notice.title for notice in b.notices.items)
    assert "only 0.9 GB are free" in b.recorder.stopped_by
    b.recorder._next_disk_look = 0.0
    b.recorder.check_disk()
    assert [e.name for e in b.session.events if e.category == "warning"] == [b.recorder.stopped_by]
    b.stop()
    assert len(b.session.stacks.first) == 50


@pytest.mark.expects_log
def test_a_disk_that_takes_nothing_is_told_once_and_its_return_too(bench, monkeypatch) -> None:
    b = bench(GivenSource("bias"))
    b.recorder.start()
    trouble: list[BaseException | None] = [OSError("no space left")]
    monkeypatch.setattr(type(b.opened.store), "recording_trouble", property(lambda _self: trouble[0]))
    b.recorder.check_disk()
    b.recorder.check_disk()
    trouble[0] = None
    b.recorder.check_disk()
    titles = [notice.title for notice in b.notices.items]
    assert titles == [
        "Nothing can be written at present: no space left",
        "Data are written to the disk again.",
    ]
    b.stop()


@pytest.mark.expects_log
@pytest.mark.parametrize("by", ["typed rate", "counts"])
def test_the_dose_goes_on_while_it_is_filmed_and_its_budget_is_watched(
    bench, tmp_path: Path, by: str
) -> None:
    """25 frames with the beam, 10 without, then with it again; the dose is set after the tenth."""
    camera = GivenSource("camera")
    b = bench(camera)
    desk = Desk(b.session, AtOnce(), b.notices, Settings(tmp_path / "preferences.json"))
    b.recorder.start()
    begun = host_now()

    def film(first: int, last: int) -> None:
        for number in range(first, last):
            counts = 0 if 25 <= number < 35 else 400
            camera.queue.put(
                FrameBlock(
                    source="camera", frame=np.full((8, 8), counts, np.uint16), time=0.1 * number,
                    host_time=begun + 0.1 * number, frame_number=number,
                )
            )  # fmt: skip

    film(0, 10)
    b.wait_until(lambda: len(b.session.stacks) == 1 and len(b.session.stacks.first) == 10)
    stack = b.session.stacks.first
    b.session.change(stack, pixel_nm=0.1, exposure_s=0.1)
    if by == "typed rate":
        dose.type_rate(desk, stack, 1000.0, 3000.0)
    else:
        dose.from_counts(desk, stack, 4.0, 0.0, 3000.0)  # 100 electrons in 1 Å² and 0.1 s
    result = dose.of_stack(b.session, stack)
    film(10, 40)
    b.wait_until(lambda: len(stack) == 40)
    b.wait_until(lambda: len(result.arrays["t_s"]) == 40)
    assert read_at(b.session, stack.time_of(30)).dose == "0.0 e⁻/Å²s · Σ 2450"
    assert result.arrays["dose_e_A2"][39] == pytest.approx(2450 + 450)
    assert not b.session.is_stale(result.made_by)
    assert not [n for n in b.notices.items if n.level == "warning"]
    run_to_end(b.opened.store.save(b.session))
    film(40, 61)
    b.wait_until(lambda: len([n for n in b.notices.items if n.level == "warning"]) == 1)
    assert "exceeds its dose budget of 3000" in b.notices.items[-1].title
    b.stop()
    assert len(result.arrays["t_s"]) == len(stack) == 61
    assert result.arrays["t_s"] == pytest.approx(stack.t)
    assert result.arrays["dose_e_A2"][-1] == pytest.approx(6.0 * 1000 - 1000 - 50 + 0, abs=51)
    assert result.arrays["beam_on"].sum() == 51
    assert ["budget" in event.name for event in b.session.events].count(True) == 1
    assert not b.session.is_stale(result.made_by)
    kept = run_to_end(files.open_session(b.opened.store.path, readonly=True))
    again = dose.of_stack(kept.session, kept.session.stacks.first)
    assert again.arrays["dose_e_A2"] == pytest.approx(result.arrays["dose_e_A2"])
    assert not kept.session.is_stale(again.made_by)
    assert any("budget" in event.name for event in kept.session.events)
    kept.store.close()


def test_a_finished_file_lies_where_its_header_says(bench) -> None:
    """All its rows arrive at once: when they arrived says nothing of when they were measured."""
    now = datetime.now().astimezone()
    text = GivenSource("potentiostat", "text", first_row_iso=(now - timedelta(hours=1)).isoformat())
    text.fit = ClockFit(offset_s=host_now(), samples=100, uncertainty_s=1.0, origin="file time")
    b = bench(text)
    b.recorder.start()
    text.samples([0.0, 1.0, 2.0])
    b.wait_until(lambda: len(b.session.runs) == 1)
    b.stop()
    assert b.session.runs.first.t[0] == pytest.approx(-3600, abs=2.0)
    assert b.session.runs.first.clock.origin == "file time"


def test_a_growing_file_lies_where_its_rows_arrive(bench) -> None:
    """Its program's clock may be an hour wrong."""
    now = datetime.now().astimezone()
    text = GivenSource("potentiostat", "text", first_row_iso=(now - timedelta(hours=1)).isoformat())
    b = bench(text)
    b.recorder.start()
    start = host_now()
    text.fit = ClockFit(offset_s=start, samples=100, uncertainty_s=1.0, origin="file time")
    text.samples([0.0], host=start)
    text.samples([3.0], host=start + 3.0)
    b.wait_until(lambda: len(b.session.runs) == 1 and len(b.session.runs.first) == 2)
    b.stop()
    assert b.session.runs.first.t[0] == pytest.approx(0.0, abs=1.0)


def arrive(source: GivenSource, path: Path, written_at: float) -> None:
    text = f"New file {path.name}."
    data = {"file": str(path), "time": written_at, "kinds": ["map"]}
    source.queue.put(EventBlock(source=source.name, host_time=host_now(), text=text, data=data))


def test_a_map_that_arrives_is_imported_where_it_belongs(bench) -> None:
    folder = GivenSource("spectrometer", "folder")
    b = bench(folder)
    b.recorder.start()
    arrive(folder, EELS / "minimum_metadata.msa", time.time() - 20.0)
    b.wait_until(lambda: len(b.session.maps) == 1, 60.0)
    interval = b.session.maps.first.interval
    assert interval is not None
    assert interval[1] == pytest.approx(-20.0, abs=2.0)
    assert b.session.history.undo_label == ""
    b.stop()
    assert len(b.session.sources) == 1


def test_the_date_in_a_map_counts_more_than_that_of_its_file(bench) -> None:
    folder = GivenSource("spectrometer", "folder")
    b = bench(folder)
    b.session.change(b.session.info, start_iso="2005-06-08T12:00:00+00:00")
    b.recorder.start()
    arrive(folder, EELS / "ll.dm3", time.time())
    b.wait_until(lambda: len(b.session.maps) == 1, 60.0)
    interval = b.session.maps.first.interval
    assert interval is not None
    assert interval[0] == pytest.approx(160.0)
    b.stop()


@pytest.mark.expects_log
def test_a_file_that_cannot_be_read_is_told_and_recording_goes_on(bench, tmp_path) -> None:
    path = tmp_path / "map_0001.dm4"
    path.write_bytes(b"nonsense" * 100)
    folder = GivenSource("spectrometer", "folder")
    b = bench(folder)
    b.recorder.start()
    folder.queue.put(
        EventBlock(source="spectrometer", host_time=host_now(), text="New file.", data={"file": str(path)})
    )
    b.wait_until(lambda: len(b.notices.items) == 1)
    folder.samples([0.0])
    b.wait_until(lambda: len(b.session.runs) == 1)
    b.stop()


def test_a_clock_that_is_right_is_left_alone(bench) -> None:
    """Moving it moves every sample of hours: a trifle waits for the end."""
    b = bench(meter := GivenSource("meter", "scpi"))
    b.recorder.start()
    start = host_now()
    meter.fit = ClockFit(offset_s=start, samples=100, uncertainty_s=0.01)
    meter.samples([0.0], host=start)
    b.wait_until(lambda: len(b.session.runs) == 1)
    stream = b.recorder._streams["meter"]
    posted: list[object] = []
    stream._target.post = posted.append
    stream.set_clock()
    meter.fit = ClockFit(offset_s=start + 1e-5, rate_ppm=0.01, samples=100, uncertainty_s=0.0101)
    stream.update_clock()
    assert not posted
    meter.fit = ClockFit(offset_s=start + 0.05, samples=100, uncertainty_s=0.0101)
    stream.update_clock()
    assert stream.set_clock in posted
    stream._target.post = b.recorder._post
    b.stop()
    assert b.session.runs.first.clock.offset_s == pytest.approx(
        start + 0.05 - b.recorder._target.zero, abs=1e-9
    )


def test_what_comes_while_the_source_is_being_stopped_is_recorded(tmp_path: Path) -> None:
    """The last line of a log, the files that lie in a folder: a source hands them over when it is told to stop."""
    source = GivenSource("camera")
    source.stop_takes_s = 0.5
    source.last_word = lambda: source.frame(1)
    bench = Bench(tmp_path, source)
    bench.recorder.start()
    source.frame(0)
    bench.recorder.stop()
    assert bench.recorder.counters()["camera"].written == 2
    bench.opened.store.close()


@pytest.mark.parametrize("kept_s", [0.0, 5.0])
def test_a_source_that_has_failed_costs_nothing(tmp_path: Path, kept_s: float) -> None:
    """Its queue is closed and answers at once: asked in a loop, it kept a core busy beside the camera."""
    source = GivenSource("potentiostat")
    source.state = "failed"
    source.queue.close()
    bench = Bench(tmp_path, source)
    if kept_s:
        bench.recorder.arm(kept_s)
    else:
        bench.recorder.start()
    begun = time.monotonic()
    bench.wait_until(lambda: time.monotonic() > begun + 0.5)
    bench.recorder.stop()
    assert source.reads < 30
    bench.opened.store.close()
