"""The one exception for mistakes of the user: its text is the whole message."""

from __future__ import annotations


class UserError(Exception):
    """One clear sentence that names the value, the place and the mend; printed without a traceback.

    Attributes:
        status: of the command that ends with it.
    """

    status = 2


class RunningError(UserError):
    """Another process trains this run; asking again later may help, so that the status is another (EX_TEMPFAIL)."""

    status = 75


class DivergedError(Exception):
    """The weights stopped being finite: the learning rate is too large.

    Attributes:
        sample: samples learned when the weights were last finite.
        replica: which of the networks trained side by side it was.
    """

    def __init__(self, sample: int, replica: int) -> None:
        super().__init__(f"the weights are not finite after sample {sample + 1} (replica {replica})")
        self.sample = sample
        self.replica = replica
