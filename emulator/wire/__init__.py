"""BGP in octets: the messages as real routers send them, with real addresses.

The doors, by module:

``codec``
    ``encode(message, session=Session(), style=Style()) -> bytes``: one message with its header.
    ``decode(data_untrusted, session=Session()) -> Message``: returns, or raises `errors.PeerError`.
    ``split(buffer_untrusted) -> (tuple[bytes, ...], rest)``: cut a TCP stream into messages.
``messages``
    ``UpdateMessage(withdrawn, attributes, nlri, reach, unreach, malformed)`` with ``.announced`` and
    ``.all_withdrawn`` (both families, treat-as-withdraw applied) and ``.next_hops(prefix)``;
    ``PathAttributes``, ``MpReach``, ``MpUnreach``, ``Segment``, ``UnknownAttribute``, ``MalformedAttribute``,
    ``OtherRouteRefresh``; `emulator.bgp.messages` has Open, Keepalive, Notification, RouteRefresh, EndOfRib.
    A prefix is ``WirePrefix(family, network, length)`` with the network's address as an integer of 32 or
    128 bits, its host bits zero; other addresses are integers too.
    ``parse_prefix(text)``, ``prefix_text(prefix)``, ``parse_address(text)`` and
    ``address_text(family, address)``.
``session``
    ``Session(four_octet_as=True, families=BOTH_FAMILIES, is_ebgp=True)``: what was negotiated.
    ``Style(...)``: a sender's choices (packing of capabilities, orders, extended lengths).
``attributes``
    ``encode_attributes(attributes, session, style) -> bytes``: the path attributes but MP_REACH_NLRI
    (``encode_attribute(code, value, flags)`` for one more). ``decode_attributes(block, session)``.
``nlri``
    ``encode_prefixes(prefixes) -> bytes``: as in the NLRI field. ``decode_prefixes(data, family)``.
``packing``
    ``pack_updates(updates, session, style) -> tuple[UpdateMessage, ...]``: the same in few messages.
    ``one_by_one(update) -> tuple[UpdateMessage, ...]``: one prefix a message, as the emulator counts.
``convert``
    ``to_wire(message, addressing, session) -> Message`` and ``from_wire(message, addressing) -> tuple[...]``
    between the emulator's numbers and the wire; ``Addressing`` is what the caller knows of addresses.

What is spoken: RFC 4271, 1997, 2918, 4360, 4456, 4724, 4760, 5065 (segments), 5492, 6793, 7606, 7607, 8092,
9003, 9072 (decoding), 9234. Not: ADD-PATH (RFC 7911), extended messages (8654), IPv6 next hops of
IPv4 prefixes (8950), any family but IPv4 and IPv6 unicast.
"""
