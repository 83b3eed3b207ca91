"""What the command line shows as a single line instead of a traceback."""


class UserError(ValueError):
    """A mistake or a fault outside the program: names the file or key, the value and the remedy."""


class Interrupted(UserError):
    """Work stopped because a signal asked for it; what was done is saved."""
