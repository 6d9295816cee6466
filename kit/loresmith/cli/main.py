"""The entry point. Knows the commands by name and summary; imports a command's module only when it is asked for."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from loresmith import __version__

COMMANDS: dict[str, str] = {
    "new": "Start a project from a shipped recipe.",
    "recipes": "List, show and check recipes.",
    "doctor": "Say what this machine and this installation can do.",
    "models": "List and fetch models.",
    "data": "Check the data, freeze the split, and see what training sees.",
    "estimate": "Say what training takes before it runs: parameters, memory, where it fits.",
    "index": "Build or refresh the knowledge index.",
    "search": "Look into retrieval, with every score.",
    "tune": "Choose retrieval settings on the train and dev questions.",
    "build": "Check, split, index, train, measure, decide: the main job.",
    "train": "Run the training stages of a build.",
    "eval": "Run the ladder of a build.",
    "ask": "Ask one question and get an answer with citations.",
    "chat": "Talk to the assistant.",
    "label": "Collect preferences: rank replies with single keys.",
    "runs": "List, show, compare and promote runs.",
    "plugins": "Show what is loaded and what failed.",
    "tui": "Open the terminal app: all of it, on the keyboard.",
}
"""Every command and its line in `--help`; the module is `loresmith.cli.commands.<name>`."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, so that `--help` costs the parser alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands in the order of a first visit."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"loresmith.cli.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the summaries without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when one is misspelled."""
        import difflib

        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            ctx.fail(f'no command named "{name}".{hint} Commands: {", ".join(COMMANDS)}.')
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="loresmith")
def cli() -> None:
    """Build a domain assistant from documents and examples, and prove which way of adapting a model pays."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code of design: 0, 1, 2, 3 or 130."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code. All errors are rendered here and nowhere else."""
    import warnings

    from loresmith.cli.errors import render

    # What one library tells another about its future, a user can do nothing about.
    warnings.simplefilter("ignore", FutureWarning)
    try:
        result: Any = cli.main(args=arguments, prog_name="loresmith", standalone_mode=False)
    except BaseException as error:  # noqa: BLE001 - the outermost frame: whatever it is, it is told
        return render(error, debug="--debug" in arguments)
    return result if isinstance(result, int) else 0
