"""FRR's control sockets, as vtysh talks to them.

A command is sent with a zero octet at its end; the reply ends with three zero
octets and the command's status (lib/vty.c, vtysh_read).
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from emulator.verify.daemons.base import DaemonError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TIMEOUT_S: Final = 60.0
_END: Final = b"\0\0\0"
_SUCCESS: Final = 0


class Vty:
    """What one FRR daemon answers at the socket ``path``; a conversation lasts for one question."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self._path = path

    def is_there(self) -> bool:
        """Whether the daemon listens."""
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self._path)) == 0

    def ask(self, *commands: str) -> str:
        """Give ``commands`` one after the other and return the reply to the last.

        Raises `DaemonError` where the daemon objects or does not answer.
        """
        text = ""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_TIMEOUT_S)
            try:
                connection.connect(str(self._path))
                for command in ("enable", *commands):
                    status, text = self._exchange(connection, command)
                    if status != _SUCCESS:
                        said = f"on {command!r}: {text.strip()[-300:]}"
                        raise self._error(said)
            except OSError as error:
                said = f"does not answer {commands[-1]!r}: {error}"
                raise self._error(said) from error
        return text

    def configure(self, lines: Sequence[str]) -> None:
        """Enter ``lines`` in configuration mode."""
        self.ask("configure terminal", *lines, "end")

    def _error(self, said: str) -> DaemonError:
        return DaemonError(f"frr at {self._path.parent.name} ({self._path.stem}) {said}")

    @staticmethod
    def _exchange(connection: socket.socket, command: str) -> tuple[int, str]:
        connection.sendall(command.encode() + b"\0")
        reply = bytearray()
        while len(reply) <= len(_END) or reply[-4:-1] != _END:
            received = connection.recv(1 << 18)
            if not received:
                message = "it closed the connection"
                raise OSError(message)
            reply += received
        return reply[-1], reply[:-4].decode(errors="replace")
