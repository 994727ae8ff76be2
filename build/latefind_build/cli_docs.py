"""``docs/cli.md``, generated from the parser: ``python -m latefind_build.cli_docs > docs/cli.md``.

A test compares the file with what this module gives, so help and documentation cannot drift apart.
"""

import argparse

from latefind_build.cli import make_parser

_HEAD = """---
title: Command line
description: Every command and option of latefind.
order: 50
---

# Command line

Results go to standard output, progress to standard error. The exit code is 0 where all is well, 1 where the
work failed, and 2 where the call was wrong. Every command takes `--debug`, which adds a traceback to an
error.

This page is generated from the program's own help.
"""


def render_cli_docs() -> str:
    """Return the Markdown page of all commands."""
    parser = make_parser()
    [commands] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    pages = [_render_command(name, command) for name, command in commands.choices.items()]
    return _HEAD + "".join(pages)


def _render_command(name: str, parser: argparse.ArgumentParser) -> str:
    rows = [
        f"| {_name(action)} | {_meaning(action)} |"
        for action in parser._actions
        if action.dest not in ("help", "debug")
    ]
    example = (parser.epilog or "").removeprefix("Example:").strip()
    return (
        f"\n## latefind {name} {{#{name}}}\n\n{parser.description}\n\n```sh\n{example}\n```\n\n"
        "| argument | meaning |\n|---|---|\n" + "\n".join(rows) + "\n"
    )


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar}`"
    if isinstance(action, argparse.BooleanOptionalAction):
        return ", ".join(f"`{option}`" for option in action.option_strings)
    option = action.option_strings[-1]
    return f"`{option} {action.metavar}`" if action.metavar else f"`{option}`"


def _meaning(action: argparse.Action) -> str:
    return (action.help or "") % {"default": f"`{action.default}`"}


if __name__ == "__main__":
    print(render_cli_docs(), end="")
