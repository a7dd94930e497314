"""Write docs/cli.md from the help of each command: make docs."""

import io
import os
import sys
from contextlib import redirect_stdout

from newsqa import cli

HEAD = """# The command line

Made from the commands' own `--help` by `make docs`; a test compares the two. What `--json`
writes is described in [json.md](json.md), the exit codes also in the [README](../README.md).
"""


def help_of(*command: str) -> str:
    """What ``newsqa COMMAND --help`` prints, as a section."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        cli.main([*command, "--help"])
    return f"\n## {' '.join(('newsqa', *command))}\n\n```text\n{printed.getvalue().rstrip()}\n```\n"


def document() -> str:
    """The whole page."""
    os.environ["COLUMNS"] = "82"  # else the page would depend on the window it is made in
    names = [command.name or "" for command in cli.app.registered_commands]
    return HEAD + help_of() + "".join(help_of(name) for name in names)


if __name__ == "__main__":
    sys.stdout.write(document())
