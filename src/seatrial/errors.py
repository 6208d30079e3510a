"""What a person sees when they asked us wrongly: what was expected, what was found, what to do."""


class UsageProblem(Exception):
    """Bad input, refused before work starts. The command line shows it without a traceback and exits with 2.

    Args:
        message: what was expected and what was found, with the value seen.
        slug: a stable name that can be looked up, e.g. `no-such-script`.
        hint: what to do.
    """

    def __init__(self, message: str, slug: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.slug = slug
        self.hint = hint

    def __str__(self) -> str:
        return " ".join(part for part in (self.message, self.hint, f"[{self.slug}]") if part)


class CheckFailed(AssertionError):
    """What `assert_clean` raises: its text is the report as a terminal shows it, `summary` a line for lists of failed tests."""

    def __init__(self, text: str, summary: str) -> None:
        super().__init__(text)
        self.summary = summary


class Enough(KeyboardInterrupt):
    """A watched program is ended because enough was seen of it. One that catches KeyboardInterrupt, to save or to tidy up,
    catches this."""
