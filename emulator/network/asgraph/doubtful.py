"""Customer-provider links that are hardly such: what path hunting needs to be told apart.

Inference takes a link for transit once a route was seen to go over it that way
(Luckie et al., IMC 2013), partial transit and leaks included. Where routes settle,
that matters little: such links are seldom on a shortest path. After a withdrawal
it matters a great deal, for relationships alone let every customer's route
through, however long: on CAIDA's graph of 2019-07-01 a prefix that is withdrawn
is then looked for along chains of up to 20 and more ASes, from small providers
to their larger customers. RouteViews saw 8 at most, since providers take from
customers what those have registered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulator.network.asgraph.graph import CUSTOMER, CUSTOMER_PROVIDER, PEERING, from_links

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph


def doubtful_links(graph: AsGraph) -> npt.NDArray[np.bool_]:
    """(L,) whether a link is one from a customer to a provider that has fewer customers than it.

    None of a customer's links is if all would be: it has no other way to the rest.
    """
    customer, provider = graph.link_ends[:, 0], graph.link_ends[:, 1]
    count = graph.degrees(CUSTOMER)
    is_transit = graph.link_kind == CUSTOMER_PROVIDER
    is_doubtful = is_transit & (count[provider] < count[customer])
    sure = np.bincount(customer[is_transit & ~is_doubtful], minlength=len(graph))
    found: npt.NDArray[np.bool_] = is_doubtful & (sure[customer] > 0)
    return found


def doubtful_as_peerings(graph: AsGraph) -> AsGraph:
    """``graph`` with its `doubtful_links` as peerings."""
    kind = np.where(doubtful_links(graph), PEERING, graph.link_kind)
    return from_links(graph.asn, graph.link_ends, kind, graph.labels)
