"""Stand-in providers: real HTTP servers in each dialect, whose plugs can be pulled."""

from sandbox.providers.app import MODES, StandIn, StandIns

__all__ = ["MODES", "StandIn", "StandIns"]
