"""The tables of a run: name, columns, types and units, the same in memory and in Parquet.

A table in memory is a dict of equally long NumPy arrays (or lists of text). The
simulation fills tables, `record.folder` writes and reads them, `analysis` turns
them into figures; nothing else passes between those rooms.
"""

from __future__ import annotations

from typing import Any, Final

Table = dict[str, Any]
"""Column name -> array or list, all of one length."""

Schema = dict[str, str]
"""Column name -> polars data type's name."""

REQUESTS: Final[Schema] = {
    "strategy": "String",
    "group": "Int32",  # client group index
    "second": "Int32",  # requests that started in [second, second + 1) after t = 0
    "requests": "UInt32",
    "good": "UInt32",  # succeeded on the first SYN
    "slow": "UInt32",  # succeeded after a retransmission or a retry
    "lost": "UInt32",  # retry budget spent; those open at the end are followed on the last path
    "resets": "UInt32",  # connections reset because their catchment moved
    "rtt_mean_ms": "Float32",  # of the successful ones; NaN where none
}
"""One row a strategy, group and second with at least one request."""

RTT: Final[Schema] = {
    "strategy": "String",
    "second": "Int32",
    "bin": "Int16",  # see rtt_bin_edges_ms
    "requests": "UInt32",
}
"""Histogram of the RTT of successful requests, by the second they started in."""

CATCHMENT: Final[Schema] = {
    "strategy": "String",
    "phase": "String",  # before, during, after
    "group": "Int32",
    "pop": "Int32",  # POP index
    "requests": "UInt32",  # successful requests served there
    "rtt_p50_ms": "Float32",  # median RTT of the path used, without last mile
}

STEERING: Final[Schema] = {
    "strategy": "String",
    "second": "Int32",
    "address": "String",  # provider name for IPA, "shared" or "cover", POP code for unicast
    "share": "Float32",  # of the demand, as the authoritative server would answer now
    "in_use": "Float32",  # of the demand, as resolvers hold it now
    "wan": "Float32",  # demand-weighted wins above nominal, [-50, 50]; NaN where there is no ranking
}

LOAD: Final[Schema] = {
    "strategy": "String",
    "second": "Int32",
    "kind": "String",  # pop or link
    "name": "String",
    "offered": "Float64",  # requests/s for a POP, each once, retries not added; bit/s for a link
    "utilisation": "Float32",  # offered / capacity; 0 where capacity is unlimited
}

RECONVERGENCE: Final[Schema] = {
    "strategy": "String",
    "event": "Int32",  # timeline index of the fault
    "group": "Int32",
    "seconds": "Float64",  # service reconvergence; NaN where censored (not recovered at the end)
    "censored": "Boolean",
    "bad_requests": "UInt32",  # slow or lost ones that started after the event
}
"""One row a strategy, fault and group that the fault touched (at least one bad request)."""

PATHS: Final[Schema] = {
    "prefix": "String",
    "group": "Int32",
    "start_s": "Float64",  # the state holds from here to the next row of the same prefix and group
    "state": "String",  # delivered, blackhole, loop, no-route
    "pop": "Int32",  # -1 unless delivered
    "rtt_ms": "Float32",  # propagation both ways, without last mile and queueing; NaN unless delivered
    "loss": "Float32",  # probability that one packet is lost, one way
    "hops": "Int16",
}

UPDATES: Final[Schema] = {
    "at_s": "Float64",
    "sender": "Int32",  # router index
    "receiver": "Int32",
    "prefix": "String",
    "withdrawal": "Boolean",
}
"""Every BGP message after t = 0, one NLRI a row."""

HOSTS: Final[Schema] = {
    "strategy": "String",
    "host": "String",  # host name; a scenario without hosts has one, "service"
    "phase": "String",  # before, during, after
    "requests": "UInt64",
    "good": "UInt64",
    "slow": "UInt64",
    "lost": "UInt64",
}

REACH: Final[Schema] = {
    "event": "Int32",  # timeline index
    "destination": "String",
    "asn": "Int64",
    "lost_s": "Float64",  # loss-of-connectivity period: the sum of the time without, until the next event
    "back_s": "Float64",  # after the event, delivered from then on until the next; NaN where it is not
    "site_before": "Int32",  # POP index; -1 no route, -2 blackhole, -3 loop, -4 delivered to no POP
    "site_after": "Int32",  # when the next event comes, or at the end
    "rtt_before_ms": "Float32",  # propagation both ways; NaN unless delivered
    "rtt_after_ms": "Float32",
    "changes": "UInt32",  # of the site, or of what becomes of packets instead
}
"""On AS graphs: one row an event, destination and AS that ends up otherwise, or was otherwise meanwhile.

ASes with a POP and collectors are left out. What several events of one instant
do is told of the last of them.
"""

SITES: Final[Schema] = {
    "at_s": "Float64",
    "destination": "String",
    "site": "Int32",  # as in reach
    "ases": "UInt32",
    "weight": "Float64",  # of these ASes, in clients; the same as ``ases`` where nothing is known of clients
}
"""On AS graphs: catchments at some instants, dense after events; a row a site that serves anybody.

ASes with a POP and collectors are not counted.
"""

RATES: Final[Schema] = {
    "at_s": "Float64",
    "until_s": "Float64",
    "announcements": "UInt32",  # sent anywhere in [at_s, until_s)
    "withdrawals": "UInt32",
}
"""On AS graphs, where `updates` has only what collectors and small networks hear: all BGP messages."""

BEST_PATHS: Final[Schema] = {
    "at_s": "Float64",
    "router": "Int32",  # node of the graph, in ascending order of AS numbers
    "prefix": "String",
    "next_hop": "Int64",  # AS number, the router's own where it announces the prefix; -1 for no route
    "length": "Int32",  # of the AS path
}
"""On AS graphs: every change of a Loc-RIB after t = 0."""

TABLES: Final[dict[str, Schema]] = {
    "requests": REQUESTS,
    "rtt": RTT,
    "catchment": CATCHMENT,
    "steering": STEERING,
    "load": LOAD,
    "reconvergence": RECONVERGENCE,
    "paths": PATHS,
    "updates": UPDATES,
    "hosts": HOSTS,
    "reach": REACH,
    "sites": SITES,
    "rates": RATES,
    "best_paths": BEST_PATHS,
}

RTT_BINS: Final = 900
"""Bins 0 .. 899: geometric from 0.1 ms, ratio 1.0125 (half a bin is 0.6 %); the last one is open."""
RTT_FIRST_MS: Final = 0.1
RTT_RATIO: Final = 1.0125


def rtt_bin_centre_ms(index: int) -> float:
    """Geometric centre of RTT histogram bin ``index``, in milliseconds."""
    return float(RTT_FIRST_MS * RTT_RATIO ** (index + 0.5))
