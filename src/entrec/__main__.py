"""`python -m entrec COMMAND …`: the command line that the workflow's rules call."""

import os
import sys

from entrec.commands.study import app
from entrec.commands.theory import app as theory
from entrec.errors import Interrupted, UserError

app.add_typer(theory, name="theory")


def main() -> None:
    """Run a command; a mistake of the user ends it with one line and code 1, a signal with one line and code 75."""
    try:
        app()
    except Interrupted as stop:
        if os.environ.get("RANK", "0") == "0":
            print(f"entrec: {stop}", file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL)
    except UserError as error:
        sys.exit(f"entrec: {error}")


if __name__ == "__main__":
    main()
