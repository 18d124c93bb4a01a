from collections.abc import Sequence

import pytest

from engine.chat import Chunk, Delta
from engine.errors import StreamCut
from engine.providers.sse import Frame
from engine.providers.streams.stream_reader import StreamReader


class Words(StreamReader):
    def read(self, frame: Frame) -> Sequence[Chunk]:
        return [Delta(frame.data)]


@pytest.mark.parametrize(("ended", "finished"), [(True, False), (False, True), (True, True)])
def test_end_marker_or_finish_reason_is_a_proper_end(*, ended: bool, finished: bool) -> None:
    reader = Words()
    reader.has_ended, reader.has_finished = ended, finished
    reader.check_end()


def test_body_without_either_is_cut() -> None:
    reader = Words()
    reader.read(Frame("", "a"))
    with pytest.raises(StreamCut):
        reader.check_end()
