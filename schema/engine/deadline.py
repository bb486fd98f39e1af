"""Time limits for many tasks at once, all as long as each other, with one timer for all of them.

`asyncio.timeout` makes a timer for each use, which costs more than a small resolver does. Limits of the same length end
in the order in which they began: it is enough to watch the first.
"""

import asyncio
from types import TracebackType
from typing import Any


class Deadlines:
    """Makes limits of `seconds` each: `with deadlines.limit(): ...` raises TimeoutError when the time is over."""

    __slots__ = ("_loop", "_open", "_timer", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._open: dict[Deadline, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def limit(self) -> "Deadline":
        """A limit for the task that enters it, from then on."""
        return Deadline(self)

    def enter(self, deadline: "Deadline") -> asyncio.Task[Any]:
        """Its time begins; gives the running task."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._timer, self._open = loop, None, {}
        deadline.ends = loop.time() + self.seconds
        self._open[deadline] = None
        if self._timer is None:
            self._timer = loop.call_at(deadline.ends, self._look)
        task = asyncio.current_task(loop)
        assert task is not None, "only a task can be stopped"
        return task

    def leave(self, deadline: "Deadline") -> None:
        """It was done in time."""
        self._open.pop(deadline, None)

    def _look(self) -> None:
        """Stops those whose time is over, and looks again when the next one's may be."""
        assert self._loop is not None
        now = self._loop.time()
        self._timer = None
        for deadline in list(self._open):
            if deadline.ends > now:
                self._timer = self._loop.call_at(deadline.ends, self._look)
                return
            del self._open[deadline]
            deadline.expire()


class Deadline:
    """One task's limit. As with `asyncio.timeout`, a cancellation by somebody else stays one."""

    __slots__ = ("_cancelling", "_deadlines", "_task", "ends", "expired")

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self.ends = 0.0
        self.expired = False

    def expire(self) -> None:
        """The time is over."""
        self.expired = True
        self._task.cancel()

    def __enter__(self) -> "Deadline":
        self._task = self._deadlines.enter(self)
        self._cancelling = self._task.cancelling()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if not self.expired:
            self._deadlines.leave(self)
        elif self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
