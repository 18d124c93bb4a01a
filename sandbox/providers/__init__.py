"""Stand-in providers: real HTTP servers in each dialect, with faults that can be switched on."""

from sandbox.providers.app import StandIns
from sandbox.providers.stand_in import MODES, MORE_MODES, StandIn

__all__ = ["MODES", "MORE_MODES", "StandIn", "StandIns"]
