"""Stand-in providers: real HTTP servers in each dialect, whose plugs can be pulled."""

from sandbox.providers.app import StandIns
from sandbox.providers.switches import MODES, MORE_MODES, StandIn

__all__ = ["MODES", "MORE_MODES", "StandIn", "StandIns"]
