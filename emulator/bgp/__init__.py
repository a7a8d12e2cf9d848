"""The BGP speaker (RFC 4271): messages, RIBs, decision process, policy. Pure: no clock, no I/O.

A speaker is told what arrived and what time it is; it changes its RIBs and
hands messages to the sender it was given. The same speaker runs under SimPy,
under the untimed engine that settles a network, and in tests that explore
message orders.
"""
