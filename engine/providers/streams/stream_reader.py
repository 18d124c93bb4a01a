"""StreamReader: the frames of one streamed answer, read into chunks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from engine.chat import Chunk, Finish, Finished
from engine.errors import Garbled, StreamCut
from engine.providers.sse import Frame
from engine.providers.text_template import TextTemplate

MOST_FRAME_LINES = 4_000  # of one frame; each is read on its own


class StreamReader(ABC):
    """Reads one stream; a dialect says how. It never waits: all frames of one network read are read in one go.

    `has_ended`: the end marker has come, and nothing after it counts. `has_finished`: a finish reason has come.
    """

    has_ended = False
    has_finished = False

    @property
    def runs(self) -> TextTemplate | None:
        """The template of the frames that are read in runs, by `read_texts`; None where all are read one by one."""
        return None

    def read_texts(self, texts: list[str]) -> Chunk:
        """Return the texts of frames of `runs`, which a reader without one never gets."""
        raise NotImplementedError

    @abstractmethod
    def read(self, frame: Frame) -> Sequence[Chunk]:
        """Return the chunks of one frame. Raises the ProviderError that an error frame reports, and Garbled.

        An end without content is no error here: AttemptContent decides whether it is an answer.
        """

    def read_lines(self, frame: Frame) -> list[Chunk]:
        """Return the chunks of a frame whose lines are frames: some servers end a frame with one line break.

        Raises Garbled for a frame of one line or of too many, and for a line that is no frame.
        """
        lines = frame.data.split("\n", MOST_FRAME_LINES)
        if not 1 < len(lines) <= MOST_FRAME_LINES:
            raise Garbled("a frame that is no JSON")
        found: list[Chunk] = []
        for line in lines:
            if not self.has_ended:
                found += self.read(Frame(frame.event, line))
        return found

    def end(self) -> Sequence[Chunk]:
        """Return the chunks that were held back until the end. Raises a ProviderError for an answer that was cut."""
        return ()

    def check_end(self) -> None:
        """Raise StreamCut where the body ended without a proper end."""
        if not self.has_ended and not self.has_finished:
            raise StreamCut("no end marker, no finish reason")


def ended_at_limit(choices: int) -> Sequence[Chunk]:
    """Return the end of an answer whose output limit was used up before any content."""
    return tuple(Finished(Finish.LENGTH, number) for number in range(choices))
