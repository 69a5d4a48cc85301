"""A source-meter with a battery on its clips, as its SCPI sees it: a 2400 or a 2450, without any transport.

Understands what TandEM, PyMeasure and QCoDeS send: short and long keywords, several commands in a line, queries.
A query it does not know stays without an answer and puts an error into the queue, as on the real thing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from tandem_em.sources.core.base import host_now
from tandem_em.sources.core.battery_cell import BatteryCell, CellAnswer
from tandem_em.sources.scpi.traces import TracedReading, Traces, elements_of, named_buffer, statistic
from tandem_em.sources.scpi.words import normal_form, split_line

STEP_S = 0.02
DEFAULTS_2400: dict[str, Any] = {
    "SOUR:FUNC": "VOLT", "SOUR:CURR": 0.0, "SOUR:VOLT": 0.0, "SOUR:CURR:MODE": "FIX", "SOUR:VOLT:MODE": "FIX",
    "SOUR:CURR:RANG": 1e-4, "SOUR:VOLT:RANG": 20.0, "SOUR:CURR:RANG:AUTO": 1, "SOUR:VOLT:RANG:AUTO": 1,
    "SOUR:DEL": 0.0, "SOUR:DEL:AUTO": 1, "SOUR:CLE:AUTO": 0, "SENS:FUNC": "'VOLT','CURR'", "SENS:FUNC:CONC": 1,
    "SENS:FUNC:ALL": 1, "SENS:CURR:RANG": 1e-4, "SENS:VOLT:RANG": 20.0, "SENS:CURR:RANG:AUTO": 1,
    "SENS:VOLT:RANG:AUTO": 1, "SENS:CURR:PROT": 1.05e-4, "SENS:VOLT:PROT": 21.0, "SENS:CURR:NPLC": 1.0,
    "SENS:VOLT:NPLC": 1.0, "SENS:RES:NPLC": 1.0, "SENS:RES:MODE": "MAN", "SENS:RES:RANG": 2.1e5,
    "SENS:RES:RANG:AUTO": 1, "SENS:AVER": 0, "SENS:AVER:COUN": 10, "SENS:AVER:TCON": "REP",
    "FORM:ELEM": "VOLT,CURR,RES,TIME,STAT", "OUTP": 0, "OUTP:SMOD": "NORM", "SYST:RSEN": 0, "SYST:AZER": 1,
    "SYST:LFR": 50, "ROUT:TERM": "FRON", "TRIG:COUN": 1, "ARM:COUN": 1, "TRIG:DEL": 0.0, "ARM:TIM": 0.1,
    "TRIG:SOUR": "IMM", "ARM:SOUR": "IMM", "TRIG:OUTP": "NONE", "ARM:OUTP": "NONE", "TRAC:POIN": 100,
    "TRAC:FEED": "SENS", "TRAC:FEED:CONT": "NEV", "DISP:ENAB": 1, "SYST:BEEP:STAT": 1,
    "STAT:MEAS:ENAB": 0, "*SRE": 0, "*ESE": 0, "CALC3:FORM": "MEAN", "FORM:DATA": "ASC",
}  # fmt: skip
DEFAULTS_2450: dict[str, Any] = {
    "SOUR:FUNC": "VOLT", "SOUR:CURR": 0.0, "SOUR:VOLT": 0.0, "SOUR:CURR:VLIM": 21.0, "SOUR:VOLT:ILIM": 1.05e-4,
    "SOUR:CURR:RANG": 1e-4, "SOUR:VOLT:RANG": 20.0, "SOUR:CURR:RANG:AUTO": 1, "SOUR:VOLT:RANG:AUTO": 1,
    "SOUR:CURR:READ:BACK": 1, "SOUR:VOLT:READ:BACK": 1, "SOUR:CURR:DEL": 0.0, "SOUR:VOLT:DEL": 0.0,
    "SOUR:CURR:DEL:AUTO": 1, "SOUR:VOLT:DEL:AUTO": 1, "SENS:FUNC": '"CURR:DC"', "SENS:CURR:RANG": 1e-4,
    "SENS:VOLT:RANG": 20.0, "SENS:CURR:RANG:AUTO": 1, "SENS:VOLT:RANG:AUTO": 1, "SENS:CURR:NPLC": 1.0,
    "SENS:VOLT:NPLC": 1.0, "SENS:CURR:RSEN": 0, "SENS:VOLT:RSEN": 0, "SENS:COUN": 1, "SENS:CURR:AZER": 1,
    "SENS:VOLT:AZER": 1, "FORM:ASC:PREC": 0, "OUTP": 0, "OUTP:CURR:SMOD": "NORM", "OUTP:VOLT:SMOD": "NORM",
    "ROUT:TERM": "FRON", "TRAC:POIN": 100000, "SYST:AZER": 1, "*LANG": "SCPI", "SYST:LFR": 50,
    "SENS:RES:RANG": 2e5, "SENS:RES:RANG:AUTO": 1, "SENS:RES:NPLC": 1.0, "SENS:RES:RSEN": 0, "SENS:RES:AZER": 1,
    **{f"{branch}:DEL:USER{number}": 0.0 for number in range(1, 6)
       for branch in ("SENS:CURR", "SENS:VOLT", "SOUR:CURR", "SOUR:VOLT")},
}  # fmt: skip
IDN = "KEITHLEY INSTRUMENTS INC.,MODEL {model},SIMULATED,TandEM"


class SimulatedMeter:
    """The state of one instrument. Thread-safe: several connections may talk to it."""

    def __init__(
        self,
        model: str = "2400",
        cell: BatteryCell | None = None,
        *,
        clock_ppm: float = 0.0,
        speed: float = 1.0,
        clipped_on: bool = False,
    ) -> None:
        """`speed`: how many seconds pass for the battery (not for the clock) in one real second. `clipped_on`: the
        battery is connected from the start; else only when the output is on or off with high impedance."""
        self.model = model
        self.cell = cell or BatteryCell()
        self.speed = speed
        self.clipped_on = clipped_on
        self.is_2450 = model.startswith("24") and model[2] in "567"
        self._clock_rate = 1 + clock_ppm * 1e-6
        self._lock = threading.RLock()
        self._errors: list[str] = []
        self._traces = Traces()
        self._sweep: list[str] = []
        self._reset_state()
        self.measured_at: deque[float] = deque(maxlen=10_000)
        """Host times at which the readings asked for were really made, newest last (the last ten thousand)."""
        self._first_times: dict[str, float] = {}
        """Of the 2450, by buffer: when its first reading was made; relative time counts from there."""
        self._last_host = self._time_zero = host_now()

    # for tests and demonstrations

    @property
    def output_on(self) -> bool:
        """Whether the output is on now."""
        with self._lock:
            return bool(self.state["OUTP"])

    @property
    def off_state(self) -> str:
        """The off-state that holds now, in SCPI's word: NORM, HIMP, …; of the 2450 that of its function."""
        if self.is_2450:
            return str(self.state[f"OUTP:{self.state['SOUR:FUNC']}:SMOD"])
        return str(self.state["OUTP:SMOD"])

    def advance(self, seconds: float | None = None) -> CellAnswer:
        """Let time pass for the battery: since the last call, or as given."""
        with self._lock:
            now = host_now()
            left = (now - self._last_host) * self.speed if seconds is None else seconds
            self._last_host = now
            # Short steps, since the cell bends; bounded, so that a long pause does not take long to catch up.
            steps = min(max(int(left / STEP_S), 1), 500)
            for _ in range(steps):
                answer = self._drive(left / steps)
            return answer

    # what the transport calls

    def handle(self, line: str) -> str | None:
        """One line in; the answers of all queries in it, joined by ';', or None."""
        with self._lock:
            self.advance()
            answers = [
                self._one(header, argument, is_query) for header, argument, is_query in split_line(line)
            ]
            given = [answer for answer in answers if answer is not None]
            return ";".join(given) if given else None

    def _one(self, raw: str, argument: str, is_query: bool) -> str | None:
        header = self._known(raw)
        special: Callable[[str], str | None] | None = getattr(
            self, f"_do_{'query' if is_query else 'set'}_{_identifier(header)}", None
        )
        if special is not None:
            try:
                return special(argument)
            except (ValueError, KeyError, IndexError) as error:
                # As the real one: the error goes into the queue, the query stays without an answer.
                self._errors.append(f'-102,"Syntax error {error}"')
                return None
        if header not in self.state:
            self._errors.append(f'-113,"Undefined header {raw}"')
            return None
        if is_query:
            return self._shown(self.state[header])
        self._store(header, argument)
        return None

    def _known(self, raw: str) -> str:
        """The short form; the optional words LEVel, IMMediate, AMPLitude, STATe, DC and SENSe1-like digits fall away."""
        header = normal_form(raw)
        if header in self.state:
            return header
        words = header.split(":")
        optional = {"LEV", "IMM", "AMPL", "DC", "UPP"} | ({"STAT"} if words[-1] == "STAT" else set())
        return ":".join([words[0], *(word for word in words[1:] if word not in optional)])

    def _store(self, header: str, argument: str) -> None:
        known = self.state[header]
        text = argument.strip()
        try:
            if isinstance(known, str):
                value: Any = text.upper() if header.startswith("FORM") else text.strip("\"'").upper()
            else:
                value = _number(text, known)
        except ValueError:
            self._errors.append(f'-104,"Data type error {text}"')
            return
        if header == "SENS:FUNC":
            value = f'"{value.removesuffix(":DC")}:DC"' if self.is_2450 else text
        # Real ones switch their output off when the function changes.
        if header == "SOUR:FUNC" and value != known:
            self.state["OUTP"] = 0
        if header == "ROUT:TERM":
            value = value[:4]
        self.state[header] = value
        # The 2400 has one integration time for all functions.
        if header.endswith(":NPLC") and not self.is_2450:
            for word in ("CURR", "VOLT", "RES"):
                self.state[f"SENS:{word}:NPLC"] = value

    def _shown(self, value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.9E}" if self.is_2450 else f"{value:+.6E}"
        return str(value)

    # commands that do something

    def _do_query_idn(self, _argument: str) -> str:
        return IDN.format(model=self.model)

    def _do_set_cls(self, _argument: str) -> None:
        self._errors.clear()

    def _do_set_rst(self, _argument: str) -> None:
        self._reset_state()

    def _do_query_opc(self, _argument: str) -> str:
        return "1"

    def _do_set_abor(self, _argument: str) -> None:
        pass

    _do_set_trig_cle = _do_set_stat_pres = _do_set_stat_que_cle = _do_set_trg = _do_set_syst_beep = (
        _do_set_abor
    )
    _do_set_sens_func_all = _do_set_wai = _do_set_stat_cle = _do_set_syst_cle = _do_set_abor
    _do_set_sens_azer_once = _do_set_abor

    def _do_query_stb(self, _argument: str) -> str:
        """Bits 0 and 6: the buffer is full."""
        return "65" if len(self._traces.rows()) >= int(self.state.get("TRIG:COUN", 1)) else "0"

    def _do_query_syst_err(self, _argument: str) -> str:
        return self._errors.pop(0) if self._errors else '0,"No error"'

    _do_query_syst_err_next = _do_query_stat_que = _do_query_stat_que_next = _do_query_syst_err

    def _do_set_syst_time_res(self, _argument: str) -> None:
        self._time_zero = host_now()

    def _do_query_read(self, argument: str) -> str | None:
        if not self._may_measure():
            return None
        answer, now = self.advance(), host_now()
        time = self._time(now)
        self.measured_at.append(now)
        if self.is_2450:
            buffer = named_buffer(argument)
            reading = time - self._first_times.setdefault(buffer, time), answer
            self._traces.append(buffer, reading)
            return self._shown_2450(argument, *reading)
        return self._shown_2400(time, answer)

    _do_query_meas = _do_query_meas_curr = _do_query_meas_volt = _do_query_read

    def _do_query_fetc(self, argument: str) -> str | None:
        """The last reading; the 2400 makes one when there is none."""
        rows = self._traces.rows(named_buffer(argument))
        if not self.is_2450 or not rows:
            return self._do_query_read(argument)
        return self._shown_2450(argument, *rows[-1])

    def _do_set_init(self, _argument: str) -> None:
        """Fill the trace buffer at once, with the stamps the readings would have had."""
        if self._may_measure():
            if self.is_2450:
                self._run_sweep()
            else:
                self._traces.fill(named_buffer(""), self._readings(int(self.state["TRIG:COUN"])))

    def _do_set_trac_cle(self, argument: str) -> None:
        self._traces.fill(named_buffer(argument), [])
        self._first_times.pop(named_buffer(argument), None)

    def _do_set_trac_make(self, argument: str) -> None:
        self._traces.make(named_buffer(argument), int(argument.split(",")[1]))

    def _do_set_trac_del(self, argument: str) -> None:
        self._traces.delete(named_buffer(argument))
        self._first_times.pop(named_buffer(argument), None)

    def _do_query_trac_poin(self, argument: str) -> str:
        return str(self._traces.sizes.get(named_buffer(argument), self.state["TRAC:POIN"]))

    def _do_set_trac_poin(self, argument: str) -> None:
        size = int(float(argument.split(",")[0]))
        if "," in argument:
            self._traces.sizes[named_buffer(argument)] = size
        else:
            self.state["TRAC:POIN"] = size

    def _do_set_trac_trig(self, argument: str) -> None:
        """The 2450: as many readings into the buffer as the count says."""
        if self._may_measure():
            rows = self._readings(int(self.state["SENS:COUN"]))
            self._fill(named_buffer(argument), rows)

    def _do_query_trac_data(self, argument: str) -> str | None:
        rows = self._traces.rows(named_buffer(argument))
        if not self.is_2450:
            return ",".join(self._shown_2400(time, answer) for time, answer in rows) or None
        first, last = (int(part) for part in argument.split(",")[:2])
        shown = (self._shown_2450(argument, time, answer) for time, answer in rows[first - 1 : last])
        return ",".join(shown) or None

    def _do_query_trac_act(self, argument: str) -> str:
        return str(len(self._traces.rows(named_buffer(argument))))

    def _do_query_calc3_data(self, _argument: str) -> str:
        """Statistics of the buffer: voltage, current, resistance."""
        answers = [answer for _, answer in self._traces.rows()]
        columns = ([a.voltage for a in answers], [a.current for a in answers], [_ohms(a) for a in answers])
        return ",".join(f"{statistic(self.state['CALC3:FORM'], column):+.6E}" for column in columns)

    def _statistic_2450(self, word: str) -> str:
        values = [self._measured(answer) for _, answer in self._traces.rows()]
        return f"{statistic(word, values):.9E}"

    def _do_query_trac_stat_aver(self, _argument: str) -> str:
        return self._statistic_2450("AVER")

    def _do_query_trac_stat_max(self, _argument: str) -> str:
        return self._statistic_2450("MAX")

    def _do_query_trac_stat_min(self, _argument: str) -> str:
        return self._statistic_2450("MIN")

    def _do_query_trac_stat_stdd(self, _argument: str) -> str:
        return self._statistic_2450("STDD")

    def _do_set_sour_swe_curr_lin(self, argument: str) -> None:
        self._sweep = ["CURR", *argument.split(",")]

    def _do_set_sour_swe_volt_lin(self, argument: str) -> None:
        self._sweep = ["VOLT", *argument.split(",")]

    def _do_query_sour_curr_vlim_trip(self, _argument: str) -> str:
        return str(int(self.advance().in_compliance))

    _do_query_sour_volt_ilim_trip = _do_query_sour_curr_vlim_trip
    _do_query_sens_curr_prot_trip = _do_query_sens_volt_prot_trip = _do_query_sour_curr_vlim_trip

    # inside

    def _may_measure(self) -> bool:
        if not self.state["OUTP"]:
            self._errors.append('803,"Not permitted with OUTPUT off"')
        return bool(self.state["OUTP"])

    def _interval(self) -> float:
        return max(float(self.state["SENS:CURR:NPLC"]) / 50, 0.0005)

    def _readings(self, count: int) -> list[TracedReading]:
        interval = self._interval()
        return [(i * interval, self.advance(interval)) for i in range(count)]

    def _run_sweep(self) -> None:
        """Levels from start to stop, one reading at each, into the buffer the sweep names."""
        if not self._sweep:
            return
        word, first, last, count = self._sweep[0], *map(float, self._sweep[1:4])
        rows = []
        for step in range(int(count)):
            self.state[f"SOUR:{word}"] = first + (last - first) * step / max(count - 1, 1)
            rows.append((step * self._interval(), self.advance(self._interval())))
        self._fill(named_buffer(",".join(self._sweep)), rows)

    def _fill(self, buffer: str, rows: list[TracedReading]) -> None:
        """What a trigger brings takes the place of what was in the buffer; its first reading was made that long ago."""
        self._traces.fill(buffer, rows)
        self._first_times[buffer] = self._time(host_now()) - len(rows) * self._interval()

    def _reset_state(self) -> None:
        self.state: dict[str, Any] = dict(DEFAULTS_2450 if self.is_2450 else DEFAULTS_2400)

    def _time(self, host: float) -> float:
        """What the instrument's clock shows at a host time."""
        return (host - self._time_zero) * self._clock_rate

    def _limit_V(self) -> float:
        return float(self.state["SOUR:CURR:VLIM" if self.is_2450 else "SENS:VOLT:PROT"])

    def _limit_A(self) -> float:
        return float(self.state["SOUR:VOLT:ILIM" if self.is_2450 else "SENS:CURR:PROT"])

    def _drive(self, dt: float) -> CellAnswer:
        self.clipped_on = self.clipped_on or bool(self.state["OUTP"]) or self.off_state == "HIMP"
        if not self.state["OUTP"]:
            # Not clipped on yet: there is no cell at the output, whatever the off-state is.
            if self.off_state == "HIMP" or not self.clipped_on:
                return self.cell.drive("open", 0.0, 0.0, dt)
            # The normal off-state is 0 V across the cell, which a battery feels.
            return self.cell.drive("voltage", 0.0, self._limit_A(), dt)
        if self.state["SOUR:FUNC"] == "CURR":
            return self.cell.drive("current", self.state["SOUR:CURR"], self._limit_V(), dt)
        return self.cell.drive("voltage", self.state["SOUR:VOLT"], self._limit_A(), dt)

    def _shown_2400(self, time: float, answer: CellAnswer) -> str:
        values = {
            "VOLT": answer.voltage, "CURR": answer.current, "RES": _ohms(answer), "TIME": time,
            "STAT": float(8 if answer.in_compliance else 0),
        }  # fmt: skip
        wanted = [normal_form(word.strip()) for word in str(self.state["FORM:ELEM"]).split(",")]
        return ",".join(f"{values[name]:+.6E}" for name in values if name in wanted)

    def _shown_2450(self, argument: str, time: float, answer: CellAnswer) -> str:
        sourced = answer.current if self.state["SOUR:FUNC"] == "CURR" else answer.voltage
        measured = self._measured(answer)
        values = {"SOUR": sourced, "READ": measured, "REL": time, "READING": measured, "RELATIVE": time}
        return ",".join(f"{values.get(name, measured):.9E}" for name in elements_of(argument) or ["READ"])

    def _measured(self, answer: CellAnswer) -> float:
        sensed = str(self.state["SENS:FUNC"])
        return answer.voltage if "VOLT" in sensed else _ohms(answer) if "RES" in sensed else answer.current


def _ohms(answer: CellAnswer) -> float:
    return answer.voltage / answer.current if answer.current else 9.91e37


def _identifier(header: str) -> str:
    return header.strip("*").replace(":", "_").lower()


def _number(text: str, known: Any) -> Any:
    words = {"ON": 1, "OFF": 0, "ONCE": 1}
    if text.upper() in words:
        return words[text.upper()]
    value = float(text)
    return int(value) if isinstance(known, int) and value == int(value) else value
