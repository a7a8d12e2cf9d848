"""The data plane of a run on an AS graph, worked out when the control plane's run is over.

`client_view` is for requests: the paths of client groups, on a network cut down
to what lies on them. `reach_tables` is about every AS: what each event did to
it, and how many ASes each site serves as time goes by. Forwarding is what
`emulator.forwarding.plane` says, from the same FIB entries; nothing is sampled.
"""

from __future__ import annotations

from emulator.sim.fleet.forwarding_paths import client_view
from emulator.sim.fleet.forwarding_reach import reach_tables

__all__ = ["client_view", "reach_tables"]
