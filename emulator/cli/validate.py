"""``validate``: is a scenario file right? Every mistake with its place, without running anything."""

from __future__ import annotations

import sys

import click


@click.command(epilog="Example: ipa-emulator validate scenarios/red-sea-2024.yaml")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def validate(files: tuple[str, ...]) -> None:
    """Check scenario FILEs: form, units, names, and what the keys mean together.

    Prints every mistake as file:line:column, what was expected and what was
    found: all that `run` would refuse, but for options of its own. AS graphs
    are made and worlds built for that, with the files that they are made from.
    Exit code 0: all right; 2: mistakes.
    """
    from emulator.errors import ScenarioError
    from emulator.scenario.build import review
    from emulator.scenario.loader import examine

    wrong = 0
    for file in files:
        try:
            loaded, findings = examine(file)
            review(loaded, findings)
        except ScenarioError as error:
            wrong += len(error.problems)
            click.echo(str(error), err=True)
        else:
            click.echo(f"{file}: ok ({loaded.document.name})")
    if wrong:
        click.echo(f"{wrong} problem{'s' if wrong > 1 else ''}", err=True)
        sys.exit(2)
