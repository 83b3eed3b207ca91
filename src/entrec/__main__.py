"""`python -m entrec COMMAND …`: the command line that the workflow's rules call."""

import os
import shlex
import sys
import warnings

from entrec.commands.study import app
from entrec.commands.theory import app as theory
from entrec.errors import Interrupted, UserError, check_printable, one_line, said
from entrec.progress import say

app.add_typer(theory, name="theory")


def main() -> None:
    """Run a command; a mistake of the user ends it with one line and code 1, a signal with one line and code 75.

    Every other error ends it with one line too, and with its traceback where `--debug` asks for it.
    """
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # some terminals lack characters
    if not sys.warnoptions:  # those of libraries are for whoever writes code; `python -W default` shows them
        warnings.simplefilter("ignore")
    try:
        for argument in arguments:
            check_printable(argument)
        app(arguments)
    except Interrupted as stop:
        if os.environ.get("RANK", "0") == "0":
            say(said(stop))
        sys.exit(os.EX_TEMPFAIL)
    except UserError as error:
        if debug:
            raise
        say(said(error))
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        say(unexpected(error, arguments))
        sys.exit(1)


def unexpected(error: Exception, arguments: list[str]) -> str:
    """Return the line about an error that is no known mistake of the user's."""
    text = one_line(str(error), widest=300)
    command = shlex.join(["python", "-m", "entrec", "--debug", *arguments])
    return f"entrec: {type(error).__name__}: {text}; this was not expected, and {command} shows where it happened"


if __name__ == "__main__":
    main()
