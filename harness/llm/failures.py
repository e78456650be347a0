"""What goes wrong on the way to a model server, and what a user is told of it in the end."""

from __future__ import annotations

import math
import re
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
    if (seconds := retry_after(error)) > waited_s:
        return ModelServerError(
            f"{where} asks not to be asked again for {seconds:.0f} s (HTTP {getattr(error, 'status_code', '?')}); "
            "go on with the run after that."
        )
    status = f"HTTP {error.status_code}" if isinstance(error, openai.APIStatusError) else type(error).__name__
    said = clean(" ".join(words_of(error).split()))[:SHOWN]
    return ModelServerError(f"{where} failed ({status}: {said}).", hopeless=False)


def words_of(error: Exception) -> str:
    """What a server said when it refused: its message, or where that is not in its usual place all that it sent."""
    body, text = getattr(error, "body", None), str(error)
    return text if not body or " - " in text else f"{text} - {body}"


def worth_retrying(error: BaseException) -> bool:
    """Whether a request that the server refused, or that did not reach it, may succeed the next time."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.status_code in (408, 409, 429) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError) and not _nobody_there(cause_of(error))


def retry_after(error: BaseException | None) -> float:
    """Seconds that the server asks to wait, by `Retry-After` as a number or as a date (RFC 9110, 10.2.3); else 0."""
    asked = getattr(getattr(error, "response", None), "headers", {}).get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", asked):
        return float(asked)
    try:
        when = parsedate_to_datetime(asked)
    except ValueError:
        return 0.0
    wait = (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(math.ceil(wait), 0.0)


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
