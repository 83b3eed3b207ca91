"""The errors that the command line shows as one line instead of a traceback."""


class UserError(ValueError):
    """A mistake of the user or a fault outside the program; its text says the file or key, the value and the remedy."""


class Interrupted(UserError):
    """The end of work that a signal asked to stop; what was done is saved."""
