"""What goes to whom and what is held back, with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from emulator.bgp.attributes import Attributes
from emulator.bgp.config import MraiScope, WithdrawalRule
from emulator.bgp.exporting import Withheld
from emulator.bgp.messages import Family, Update
from emulator.bgp.policy import GaoRexford, Relation

from speakers import GONE, OWN, route, speaker

if TYPE_CHECKING:
    from emulator.bgp.peer import PeerConfig

EBGP, IBGP = Relation.NONE, Relation.INTERNAL


@dataclass(frozen=True)
class Changing:
    """A policy that changes what it exports."""

    med: int | None = None
    prepend: int = 0
    local_pref: int = 100

    def accept(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """Take everything."""
        del prefix, peer, asn
        return attributes

    def export(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """Set MED and LOCAL_PREF, and prepend."""
        del prefix, peer
        path = (asn,) * self.prepend + attributes.as_path
        return replace(attributes, med=self.med, as_path=path, local_pref=self.local_pref)


def test_reasons_of_a_plain_speaker() -> None:
    """Each peer's own, with everything that a speaker can be told to do and not."""
    peers = [
        (7, Relation.CUSTOMER),
        (8, Relation.PEER),
        (9, Relation.CUSTOMER),
        (10, Relation.CUSTOMER),
        (11, Relation.CUSTOMER),
        (OWN, IBGP),
    ]
    it, _ = speaker(*peers, policy=GaoRexford(), sender_side_loop_detection=True, echo=False)
    it.session_down(4)
    it.mute(10, is_muted=True)
    it.receive(1, route(8, 9), 0)
    it.decide(0)
    offered = dict(it.offered(0))
    assert isinstance(offered[0], Attributes)
    assert isinstance(offered[5], Attributes)
    assert {peer: offered[peer] for peer in (1, 2, 3, 4)} == {
        1: Withheld.SPLIT_HORIZON,
        2: Withheld.SENDER_SIDE_LOOP,
        3: Withheld.MUTED,
        4: Withheld.SESSION_DOWN,
    }
    it.receive(1, GONE, 1)
    it.receive(5, route(8, 9, large_communities=((OWN, 1, int(Relation.PEER)),)), 1)
    it.decide(1)
    offered = dict(it.offered(0))
    assert offered[1] is Withheld.POLICY
    assert offered[5] is Withheld.SPLIT_HORIZON
    assert {why for _, why in it.offered(3) if why is not Withheld.SESSION_DOWN} == {Withheld.NO_ROUTE}


def test_only_to_is_a_reason() -> None:
    """An origin that announces to one AS says so of the others."""
    it, _ = speaker((7, EBGP), (8, EBGP))
    it.originate(0, 0, frozenset({7}))
    it.decide(0)
    assert it.offered(0)[1] == (1, Withheld.ONLY_TO)


def test_waiting_is_a_reason() -> None:
    """What the timer holds has not been sent yet."""
    it, _ = speaker((7, EBGP), mrai=30)
    it.originate(0, 0)
    it.decide(0)
    it.originate(1, 1)
    it.decide(1)
    assert it.offered(1) == ((0, Withheld.WAITING),)
    it.timer(0, 30)
    assert isinstance(it.offered(1)[0][1], Attributes)


def test_med_is_not_passed_on() -> None:
    """RFC 4271 5.1.4: a MED received stays inside the AS; one that export policy sets leaves."""
    it, _ = speaker((7, EBGP), (8, EBGP), (9, EBGP, {"policy": Changing(med=6)}), (OWN, IBGP))
    it.receive(0, route(7, 5, med=4), 0)
    it.decide(0)
    assert [it.peers[peer].adj_rib_out[0].med for peer in (1, 2, 3)] == [None, 6, 4]


def test_prepending() -> None:
    """The policy's prepends come before the path, and our AS once more in front."""
    it, notebook = speaker((7, EBGP), (8, EBGP, {"policy": Changing(prepend=2, local_pref=7)}))
    it.receive(0, route(7, 5), 0)
    it.originate(1, 0)
    it.decide(0)
    assert notebook.heard()[1] == [(OWN, OWN, OWN, 7, 5), (OWN, OWN, OWN)]
    assert it.peers[1].adj_rib_out[0].local_pref == 100  # LOCAL_PREF stays inside: 5.1.5


def test_interior_policy_runs_where_the_session_has_one() -> None:
    """LOCAL_PREF towards an iBGP peer may be changed."""
    it, _ = speaker((7, EBGP), (OWN, IBGP, {"policy": Changing(local_pref=50)}), (OWN, IBGP))
    it.receive(0, route(7, 5), 0)
    it.decide(0)
    assert [it.peers[peer].adj_rib_out[0].local_pref for peer in (1, 2)] == [50, 100]


def test_a_leak_ignores_policy_and_ends() -> None:
    """RFC 7908 type 1: a provider's route goes to another provider, until somebody notices."""
    it, notebook = speaker((7, Relation.PROVIDER), (8, Relation.PROVIDER), policy=GaoRexford())
    it.receive(0, route(7, 5), 0)
    it.decide(0)
    assert notebook.heard() == {}
    it.leak(True)
    it.decide(1)
    assert notebook.heard()[1] == [(OWN, 7, 5)]
    it.leak(False)
    it.decide(2)
    assert notebook.heard()[1] == [None]


def test_no_echo_withdraws_what_had_been_announced() -> None:
    """As BIRD does: the better route comes from a peer that has ours."""
    it, notebook = speaker((7, EBGP), (8, EBGP), echo=False)
    it.receive(0, route(7, 5, 9), 0)
    it.decide(0)
    assert notebook.heard() == {1: [(OWN, 7, 5, 9)]}
    it.receive(1, route(8, 9), 1)
    it.decide(1)
    assert notebook.heard() == {0: [(OWN, 8, 9)], 1: [None]}


@pytest.mark.parametrize("rule", list(WithdrawalRule))
def test_which_withdrawals_wait(rule: WithdrawalRule) -> None:
    """Prefix 0 was announced at 0 and 1 is held: a withdrawal of 0 leaves now only where it is free."""
    it, notebook = speaker((7, EBGP), mrai=30, withdrawals=rule)
    it.originate(0, 0)
    it.decide(0)
    it.originate(1, 1)
    it.decide(1)
    notebook.heard()
    it.withdraw(0)
    it.decide(2)
    assert notebook.heard() == ({0: [None]} if rule is WithdrawalRule.FREE else {})
    it.timer(0, 30)
    assert sorted(notebook.heard()[0], key=bool) == (
        [(OWN,)] if rule is WithdrawalRule.FREE else [None, (OWN,)]
    )


@pytest.mark.parametrize("rule", list(WithdrawalRule))
def test_a_lone_withdrawal(rule: WithdrawalRule) -> None:
    """With nothing held it waits under WRATE alone."""
    it, notebook = speaker((7, EBGP), mrai=30, withdrawals=rule)
    it.originate(0, 0)
    it.decide(0)
    notebook.heard()
    it.withdraw(0)
    it.decide(2)
    assert notebook.heard() == ({} if rule is WithdrawalRule.WAIT else {0: [None]})


@pytest.mark.parametrize("scope", [MraiScope.PEER, MraiScope.PREFIX])
@pytest.mark.parametrize("starts", [False, True])
def test_a_withdrawal_may_start_the_interval(scope: MraiScope, starts: bool) -> None:
    """Withdrawn at 40, when nothing was held, and announced anew at 50: at once, or at 70."""
    it, notebook = speaker((7, EBGP), mrai=30, withdrawal_starts_mrai=starts, mrai_scope=scope)
    it.originate(0, 0)
    it.decide(0)
    it.withdraw(0)
    it.decide(40)
    notebook.heard()
    it.originate(0, 50)
    it.decide(50)
    assert notebook.heard() == ({} if starts else {0: [(OWN,)]})
    assert (70, 0) in notebook.alarms or not starts


def test_first_advertisement_waits() -> None:
    """Everything that is there when the time has come goes at once, then End-of-RIB."""
    it, notebook = speaker((7, EBGP), is_up=False, first_advertisement_delay=100)
    it.originate(0, 0)
    it.session_up(0)
    it.decide(10)
    it.originate(1, 20)
    it.decide(20)
    assert (notebook.heard(), notebook.ends_of_rib, notebook.alarms) == ({}, [], [(110, 0)])
    it.timer(0, 110)
    assert (notebook.heard(), notebook.ends_of_rib) == ({0: [(OWN,), (OWN,)]}, [(0, Family.IPV4)])


def test_mute_and_leak_reach_new_routes_too() -> None:
    """They are states, not messages."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    it.mute(8, is_muted=True)
    it.receive(0, Update(3, route(7, 5).attributes), 0)
    it.decide(0)
    assert sorted(notebook.heard()) == [0]
