"""The command line's entry: sub-commands loaded when they are used, errors turned into exit codes.

Exit codes: 0 done, 1 an expectation or the gate failed, 2 the input is wrong, 3
an internal error; 130 after Ctrl-C and 141 when the reader of a pipe went away,
as shells have it.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING, Final

import click

from emulator.errors import EmulatorError, InvariantError
from emulator.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OK: Final = 0
FAILED: Final = 1
WRONG_INPUT: Final = 2
INTERNAL_ERROR: Final = 3
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

COMMANDS: Final = {
    "run": "Run scenarios; write results, pictures and a report.",
    "validate": "Check scenario files without running them.",
    "plot": "Draw the pictures and the report of a finished run again.",
    "check": "Run scenarios and compare them with a committed baseline.",
    "explain": "Say why a router has the route it has, or list every change of it.",
    "topology": "Look at, import or make up AS graphs of the whole Internet.",
    "verify": "Run a scenario on real routing daemons and compare every route.",
}
"""Sub-command -> its one-line help; each lives in the module of its name, as a function of its name."""


class _ReaderGoneError(Exception):
    """The reader of stdout went away. Not an OSError, which click would turn into exit code 1."""


class LazyGroup(click.Group):
    """A group that imports a sub-command only to run it or to show its own help."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the sub-command; a closed pipe leaves under a name of its own."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGoneError from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the sub-commands in the order of a person's first day."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a sub-command; None where there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"emulator.cli.{cmd_name}")
        command = getattr(module, cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the sub-commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ipa-emulator")
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the full traceback of an internal error."
)
def cli() -> None:
    """Tell how long until requests work well again when the network breaks.

    Simulates BGP, forwarding and clients of an anycast CDN from a scenario file,
    and compares plain anycast with Individual Provider Anycast (IPA).

    \b
    Example:
      ipa-emulator run scenarios/red-sea-2024.yaml
    """  # noqa: D301 - \b is click's mark for text that must not be re-wrapped


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; never raises, never shows a traceback unasked."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(
        lambda: cli.main(args=given, prog_name="ipa-emulator", standalone_mode=False),
        debug="--debug" in given,
    )


def guarded(command: Callable[[], object], *, debug: bool = False) -> int:
    """Call ``command`` and turn whatever becomes of it into an exit code and a message for a person."""
    try:
        result = command()
        sys.stdout.flush()
    except SystemExit as error:
        result = error.code if error.code is not None else OK
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted; nothing was written for the unfinished run", err=True)
        return INTERRUPTED
    except (BrokenPipeError, _ReaderGoneError):
        # Nobody reads any more: silence the interpreter's own last flush as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the one place that may: everything becomes an exit code
        return _explained(error, debug=debug or bool(os.environ.get("IPA_EMULATOR_DEBUG")))
    return result if isinstance(result, int) else OK


def _explained(error: Exception, *, debug: bool) -> int:
    """Say what went wrong on stderr and return the exit code that goes with it."""
    if isinstance(error, click.ClickException):
        error.show()
        return WRONG_INPUT
    if debug:
        traceback.print_exception(error)
    if isinstance(error, EmulatorError) and not isinstance(error, InvariantError):
        click.echo(f"error: {error}", err=True)
        return WRONG_INPUT
    if isinstance(error, MemoryError):
        click.echo("error: out of memory; lower the demand or the duration of the scenario", err=True)
        return INTERNAL_ERROR
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    click.echo(f"internal error (version {__version__}): {what}", err=True)
    if not debug:
        click.echo(
            "This is a fault of the program, not of your input. Please report it with the scenario file and "
            "what the same command prints with IPA_EMULATOR_DEBUG=1.",
            err=True,
        )
    return INTERNAL_ERROR
