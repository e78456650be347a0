"""What goes wrong on the way to a model server, and what a user is told of it in the end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from harness.core.errors import ModelServerError

SHOWN = 200
"""Characters of what a server said that are shown."""


def sentence(
    error: Exception, where: str, *, variable: str | None, model: str, waited_s: float, clean: Callable[[str], str]
) -> ModelServerError:
    """One sentence on a request that failed for good.

    Parameters
    ----------
    error : openai.OpenAIError
    where : which server, as a sentence begins
    variable : environment variable that held the key, if there was one
    model : the model's name on the server
    waited_s : for how long it was tried again
    clean : function that takes keys out of a text
    """
    import openai

    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        held_by = variable or "a key_env in the model's entry"
        return ModelServerError(f"{where} refused the key (HTTP {error.status_code}); check {held_by}.")
    if isinstance(error, openai.NotFoundError):
        return ModelServerError(
            f"{where} knows no model '{model}' or no such path (HTTP 404); "
            "check --model-id and that the base URL ends in /v1."
        )
    if isinstance(error, openai.APIConnectionError):
        cause = cause_of(error)
        if isinstance(cause, ConnectionRefusedError):
            what = "refuses connections"
        elif isinstance(cause, socket.gaierror):
            what = "has an address that does not exist"
        else:
            what = f"could not be reached for {waited_s:g} s"
        return ModelServerError(f"{where} {what}; check that it runs and that the address is right.")
    status = f"HTTP {error.status_code}" if isinstance(error, openai.APIStatusError) else type(error).__name__
    said = clean(" ".join(words_of(error).split()))[:SHOWN]
    back = f" It asks to be left alone for {seconds:,.0f} s." if (seconds := retry_after(error)) >= waited_s else ""
    return ModelServerError(f"{where} failed ({status}: {said}).{back}", hopeless=False)


def words_of(error: Exception) -> str:
    """What a server said when it refused: its message, or where that is not in its usual place all that it sent."""
    body, text = getattr(error, "body", None), str(error)
    return text if not body or " - " in text else f"{text} - {body}"


def retry_after(error: BaseException | None) -> float:
    """Seconds after which a server wants to be asked again, by its `Retry-After`: a number or a date; 0 without one."""
    said = getattr(getattr(error, "response", None), "headers", {}).get("retry-after", "").strip()
    try:
        return max(float(said), 0.0) if said[:1].isdigit() else _seconds_until(parsedate_to_datetime(said))
    except ValueError:
        return 0.0


def _seconds_until(date: datetime) -> float:
    aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)


def worth_retrying(error: BaseException) -> bool:
    """Whether a request that the server refused, or that did not reach it, may succeed the next time."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.status_code in (408, 409, 429) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError) and not _nobody_there(cause_of(error))


def _nobody_there(cause: OSError | None) -> bool:
    """Whether nobody listens at the address, or there is no such address: asking again at once is of no use."""
    if isinstance(cause, socket.gaierror):
        return cause.errno != socket.EAI_AGAIN
    return isinstance(cause, ConnectionRefusedError)


def cause_of(error: BaseException) -> OSError | None:
    """What the operating system said of a failed connection (the transport calls some of these time-outs)."""
    cause: BaseException | None = error
    while cause is not None:
        for candidate in (getattr(cause, "os_error", None), cause):
            if isinstance(candidate, OSError) and not isinstance(candidate, TimeoutError) and candidate.errno:
                return candidate
        cause = cause.__cause__ or cause.__context__
    return None
