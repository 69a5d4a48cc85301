"""The one question at a time that the stack pane puts above the image: what it is about, and what an answer does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psygnal import Signal

from tandem_em.desk.desk import Desk
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.frames import FrameStack

Answer = tuple[str, Callable[[], object]]


def _nothing() -> None:
    """The answer of somebody who does not want to be asked now."""


@dataclass(frozen=True)
class Question:
    """`about` begins with its kind and names what is asked about, so that the same question is not put twice."""

    about: str
    text: str
    answers: tuple[Answer, ...]


class Questions:
    """A newer question takes the place of the one before; an answer, or what happens meanwhile, takes it away."""

    changed = Signal()

    def __init__(self) -> None:
        self.question: Question | None = None

    @property
    def about(self) -> str:
        """Id of what the open question is about; "" where none is open."""
        return self.question.about if self.question is not None else ""

    def ask(self, about: str, text: str, *answers: Answer, leave: str = "") -> None:
        """Put a question. `leave`: the words of the answer that does nothing."""
        given = (*answers, (leave, _nothing)) if leave else answers
        self.question = Question(about, text, given)
        self.changed.emit()

    def withdraw(self, about: str) -> None:
        """The question has answered itself; "" takes any away."""
        if self.about.startswith(about) and self.question is not None:
            self.question = None
            self.changed.emit()

    def answer(self, call: Callable[[], object]) -> None:
        """First the question goes: what the answer does may ask the next one."""
        self.question = None
        self.changed.emit()
        call()


def ask_what_is_unknown(desk: Desk, stack: FrameStack, questions: Questions) -> None:
    """Whether the images of a stack are a movie; whether the pixel size of its magnification is known from before."""
    # one question at a time: the calibration can wait
    if stack.axis0_is_time is None and len(stack) > 1:
        questions.ask(
            f"axis {stack.id}",
            f"{stack.name}: are its {len(stack)} images a movie?",
            ("Yes, a movie", lambda: stacks.answer_axis(desk, stack, True)),
            ("No, separate images", lambda: stacks.answer_axis(desk, stack, False)),
        )
        return
    pixel = stacks.remembered_pixel(desk, stack)
    if pixel is not None:
        questions.ask(
            f"pixel {stack.id}",
            f"At {stack.magnification:g}× the last calibration was {pixel:.4g} nm/px.",
            ("Use it", lambda: stacks.set_pixel(desk, stack, pixel, "magnification memory")),
            leave="No",
        )
