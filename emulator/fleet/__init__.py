"""All speakers of an AS graph in arrays: what `emulator.bgp` does for one router, for 75,000 at once.

The protocol is that of `emulator.bgp.speaker` with the settings that AS graphs
have (relationships, MRAI, processing delay); tests hold the two together to the
nanosecond and the message. No SimPy, no clock, no input or output.
"""
