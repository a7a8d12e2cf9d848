"""A discrete-event network emulator with BGP speakers.

How long until each client's requests work well again after a cable cut or an
outage, under plain anycast and under Individual Provider Anycast (IPA)?
"""

from __future__ import annotations

__version__ = "0.1.0"
