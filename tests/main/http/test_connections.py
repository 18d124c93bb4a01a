"""The connection that is closed for one too many."""

from main.http.connections import Connections


class Peer:
    def __init__(self) -> None:
        self.is_closed = False

    def abort(self) -> None:
        self.is_closed = True


def busy(connections: Connections) -> Peer:
    peer = Peer()
    connections.add(peer)
    connections.at_work(peer)
    return peer


def test_connections_without_a_request_are_closed_first_then_idle_then_stalled_ones() -> None:
    connections = Connections(4)
    works, stalled, idle, new = busy(connections), busy(connections), busy(connections), Peer()
    connections.stalled(stalled)
    connections.at_rest(idle)
    connections.add(new)
    for expected in (new, idle, stalled):
        assert not expected.is_closed
        busy(connections)
        assert expected.is_closed
    assert not works.is_closed
    assert len(connections) == 4


def test_client_that_has_read_on_is_not_stalled() -> None:
    connections = Connections(1)
    peer, late = busy(connections), Peer()
    connections.stalled(peer)
    connections.read_on(peer)
    connections.add(late)
    assert (peer.is_closed, late.is_closed) == (False, True)


def test_longest_stalled_connection_is_closed_and_a_lost_one_is_forgotten() -> None:
    connections = Connections(2)
    lost, kept = busy(connections), busy(connections)
    connections.stalled(lost)
    connections.stalled(kept)
    connections.remove(lost)
    connections.stalled(lost)
    busy(connections)
    early = kept.is_closed
    busy(connections)
    assert (early, kept.is_closed, lost.is_closed) == (False, True, False)
