"""What ``tdddft`` and ``graphlearn`` have in common: options before the sub-command, exit codes, examples."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from graphlearn.base.cli.shell import LOGGERS
from graphlearn.base.errors import InputError

EXIT_CODES = (
    "Exit codes: 0 done; 1 done, but something failed or is not valid; 2 bad input; 3 stopped by a fault; 75 stopped "
    "by SIGTERM; 130 interrupted. After the last three the same command goes on."
)
_ANYWHERE = ("--verbose", "-v", "--quiet", "-q")


def make_app(name: str, text: str, commands: Iterable[Callable[..., Any]]) -> typer.Typer:
    """A command with its sub-commands.

    Args:
        name: Of the command.
        text: What it is for.
        commands: The sub-commands, each named as its function.

    Returns:
        The app, to be called without arguments.
    """
    app = typer.Typer(
        name=name, cls=Group, help=text, epilog=EXIT_CODES, no_args_is_help=True, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip

    app.callback()(_common)
    for command in commands:
        app.command(cls=Command, epilog=EXIT_CODES)(command)
    return app


class Group(TyperGroup):
    """The command: its options ``-v`` and ``-q`` may also stand behind the sub-command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Click's, with these options in front.

        Args:
            ctx: Context of click.
            args: Words after the name of the program.


        Returns:
            Words that click did not use.
        """
        end = args.index("--") if "--" in args else len(args)
        moved = [word for word in args[:end] if word in _ANYWHERE]
        return super().parse_args(ctx, moved + [word for word in args[:end] if word not in _ANYWHERE] + args[end:])


class Command(TyperCommand):
    """A sub-command that takes no empty word: an empty path would be the working folder (``--out "$UNSET"``)."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Click's, after a look at the words.

        Args:
            ctx: Context of click.
            args: Words after the name of the sub-command.

        Returns:
            Words that click did not use.

        Raises:
            InputError: if an argument or the value of an option is empty.
        """
        for before, word in zip(["", *args], [*args, "-"], strict=True):
            option, equals, value = word.partition("=")
            if not word.strip():
                raise InputError(f"{before if before.startswith('-') else 'an argument'} is empty; give a value")
            if option.startswith("--") and equals and not value.strip():
                raise InputError(f"{option} is empty; give a value")
        return super().parse_args(ctx, args)


def _print_version(context: typer.Context, asked: bool) -> None:
    if asked:
        print(context.info_name, version("graphlearn"))
        raise typer.Exit


def _common(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="say more, and where an error arose")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="no progress; results and errors alone")] = False,
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="print the version and exit")
    ] = False,
) -> None:
    if verbose and quiet:
        raise InputError("give --verbose or --quiet, not both")
    logging.basicConfig(format="%(name)s: %(message)s")
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING)
