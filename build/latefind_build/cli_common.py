"""What the commands of the command line share: how one is added, and types of options."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

Command: TypeAlias = Callable[[argparse.Namespace], None]
"""Runs a command with its parsed options; failures are exceptions."""

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What ``add_subparsers`` returns; argparse has no public name for it."""


def add_command(
    commands: Commands, name: str, run: Command, summary: str, example: str
) -> argparse.ArgumentParser:
    """Add the command ``name``, run by ``run``, and return its parser."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"Example: {example}",
    )
    parser.add_argument("--debug", action="store_true", help="show a traceback with an error")
    parser.set_defaults(run=run)
    return parser


def positive(text: str) -> int:
    """Return the whole number from 1 that ``text`` is."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return value
