"""One model, asked. Every request goes through the cache of replies; identical ones in flight are asked once.

Retries what is worth it (a lost connection, a time-out, 429, 5xx) with jittered back-off; anything else ends the run
with a `ModelServerError` of one sentence. Keys never stand in a message.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import socket
import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_delay, wait_random_exponential

from harness.core.agent import Message
from harness.core.errors import ModelServerError
from harness.llm.cache import ReplyCache, key_of
from harness.llm.local import LocalServer, engine
from harness.llm.registry import ModelEntry, ReplyFormat
from harness.llm.registry import key_of as api_key_of
from harness.llm.structured import ReplyContract
from harness.llm.weights import pull

if TYPE_CHECKING:
    from openai import AsyncOpenAI

RETRY_FOR_S = 300.0
LONGEST_WAIT_S = 30.0
"""A server that throttles or fails is asked again, with growing and jittered waits, for this long; as long as it says
in `Retry-After`, if that is within the time."""

TIMEOUT_S = 180.0
"""Per request. An embedded model on a busy laptop may need half a minute for a long prompt."""

REPLY_TOKENS = 512
"""Limit for replies of a server: enough for an action with some talk around it, in free text. Embedded models are held
to the shortest reply and need no room for talk."""

EMBEDDED_LOGPROBS, SERVED_LOGPROBS = 4_000, 20
"""How many of the likeliest tokens to ask for: all that matter, or the most that hosted servers give."""

SENT = ("messages", "temperature", "seed", "max_tokens", "logprobs", "top_logprobs")
"""What of a request goes to the server under its own name."""

SEED = 0
"""Sent with every request: at temperature 0 it should not matter, and where it does it is recorded."""


@dataclass(frozen=True)
class FirstToken:
    """Log-probabilities of a reply's first token, as far as the server listed them.

    Attributes
    ----------
    letters : mapping of token to log-probability
        Tokens that are one letter, blanks around it allowed.
    listed : float
        Probability of all tokens listed.
    least : float
        Probability of the least likely of them.
    """

    letters: Mapping[str, float]
    listed: float
    least: float


@dataclass(frozen=True)
class Reply:
    """What a model answered."""

    text: str
    finish_reason: str | None
    prompt_tokens: int
    completion_tokens: int
    model: str
    """As the server reports it."""
    key: str
    """Content address of the request."""
    run: str
    """The run that asked the server for it; another than one's own if it came from the cache."""
    constrained: bool = True
    """False if the server refused to hold the reply to its schema."""
    first_token: FirstToken | None = None
    """What could have stood first, where that was asked for."""


class ChatClient:
    """Asks one model for replies under one contract.

    Parameters
    ----------
    entry : ModelEntry
    contract : ReplyContract
    cache : ReplyCache or None
        None asks the server every time.
    run : name of the run that asks, kept with every reply
    log_folder : function that gives the folder for what an embedded server prints; called when it starts
    temperature : at which replies are drawn
    logprobs : whether to ask for the probabilities of the reply's first token
    """

    def __init__(
        self,
        entry: ModelEntry,
        contract: ReplyContract,
        cache: ReplyCache | None,
        run: str,
        log_folder: Callable[[], Path],
        *,
        temperature: float = 0.0,
        logprobs: bool = False,
    ) -> None:
        self._entry = entry
        self._contract = contract
        self._cache = cache
        self._run = run
        self._log_folder = log_folder
        self._temperature = temperature
        self._logprobs = logprobs
        self._key = api_key_of(entry)
        self._session = uuid.uuid4().hex[:8]
        self._uncached = itertools.count()
        self._in_flight: dict[str, asyncio.Future[Reply]] = {}
        self._connecting = asyncio.Lock()
        self._one_at_a_time = asyncio.Lock()
        self._static: Mapping[str, str] | None = None
        self._client: AsyncOpenAI | None = None
        self._server: LocalServer | None = None
        self._constrained = entry.schema_constrained
        if entry.weights is None:
            self._identity = {"server": entry.base_url, "model": entry.model_id}
        else:
            self._identity = {"weights_sha256": entry.weights.sha256, "engine": engine()}

    @property
    def identity(self) -> dict[str, str | None]:
        """Which weights on which engine, or which model on which server."""
        return dict(self._identity)

    async def complete(self, messages: Sequence[Message], sample: str | None = None) -> Reply:
        """The model's reply to a prompt; at a temperature above 0, that of the name `sample`.

        Raises
        ------
        ModelServerError
            If the server cannot be reached or refuses in a way that asking again will not mend.
        """
        request = self._request(messages, sample)
        if self._cache is None:
            return await self._ask(request, f"{key_of(request)}#{self._session}-{next(self._uncached)}")
        key = key_of(request)
        if (stored := self._cache.get(key)) is not None:
            first = stored.pop("first_token", None)
            return Reply(**stored, first_token=FirstToken(**first) if first else None)
        if (pending := self._in_flight.get(key)) is not None:
            return await asyncio.shield(pending)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._in_flight[key] = future
        try:
            reply = await self._ask(request, key)
            self._cache.put(key, request, asdict(reply))
        except BaseException as error:
            future.set_exception(error if isinstance(error, Exception) else ModelServerError("interrupted"))
            future.exception()  # seen, whether or not anyone waits
            raise
        finally:
            del self._in_flight[key]
        future.set_result(reply)
        return reply

    async def close(self) -> None:
        """Close the connection and stop an embedded server."""
        if self._client is not None:
            await self._client.close()
            self._client = None
        if self._server is not None:
            await asyncio.to_thread(self._server.close)
            self._server = None
        if self._cache is not None:
            self._cache.close()
            self._cache = None

    @property
    def _log(self) -> Path:
        return self._log_folder() / "model-server.log"

    # ------------------------------------------------------------------- one request

    def _request(self, messages: Sequence[Message], sample: str | None) -> dict[str, Any]:
        """Everything that can change a reply."""
        contract = self._contract
        if self._entry.weights is not None:
            constraint: dict[str, Any] = {"grammar": contract.grammar()}
        elif self._entry.schema_constrained and contract.format is ReplyFormat.JSON:
            schema = {"name": contract.action_type.__name__, "strict": True, "schema": contract.json_schema()}
            constraint = {"response_format": {"type": "json_schema", "json_schema": schema}}
        else:
            constraint = {}
        request = {
            "endpoint": self._identity,
            "messages": [m.model_dump() for m in messages],
            "temperature": self._temperature,
            "seed": SEED,
            "max_tokens": self._max_tokens(),
            "constraint": constraint,
        }
        if self._temperature > 0:
            # of the whole request: draws of different patients must not go hand in hand
            request |= {"sample": sample, "seed": zlib.crc32(key_of(request | {"sample": sample}).encode()) % 2**31}
        if self._logprobs:
            embedded = self._entry.weights is not None
            request |= {"logprobs": True, "top_logprobs": EMBEDDED_LOGPROBS if embedded else SERVED_LOGPROBS}
        return request

    def _max_tokens(self) -> int:
        if self._entry.max_tokens is not None:
            return self._entry.max_tokens
        return self._contract.max_tokens() if self._entry.weights is not None else REPLY_TOKENS

    async def _ask(self, request: Mapping[str, Any], key: str) -> Reply:
        import openai

        client = await self._connect()
        retrying = AsyncRetrying(
            retry=retry_if_exception(self._worth_retrying),
            wait=_wait,
            stop=stop_after_delay(RETRY_FOR_S),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    return await self._send(client, request, key)
        except openai.OpenAIError as error:
            raise self._sentence(error) from None
        raise AssertionError("unreachable: tenacity re-raises")

    async def _send(self, client: AsyncOpenAI, request: Mapping[str, Any], key: str) -> Reply:
        import openai

        constraint = request["constraint"]
        arguments: dict[str, Any] = {name: request[name] for name in SENT if name in request}
        if "response_format" in constraint and self._constrained:
            arguments["response_format"] = constraint["response_format"]
        if "grammar" in constraint:
            arguments["extra_body"] = {"grammar": constraint["grammar"]}
        try:
            answer = await self._answered(client, arguments)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            about_schema = any(word in str(error) for word in ("response_format", "schema", "structured"))
            if "response_format" not in arguments or not about_schema:
                raise
            self._constrained = False  # the parser is lenient enough; the reply says that nothing held it
            return await self._send(client, request, key)
        except ValueError:  # not JSON
            raise self._not_chat() from None
        try:
            choice, usage = answer.choices[0], answer.usage
            return Reply(
                text=_text(choice.message.content or ""),
                finish_reason=choice.finish_reason,
                prompt_tokens=int(usage.prompt_tokens or 0) if usage else 0,
                completion_tokens=int(usage.completion_tokens or 0) if usage else 0,
                model=str(answer.model or self._entry.alias),
                key=key,
                run=self._run,
                constrained="response_format" in arguments or "grammar" in constraint,
                first_token=_first_token(choice) if self._logprobs else None,
            )
        except (AttributeError, IndexError, TypeError, ValueError):
            raise self._not_chat() from None

    async def _answered(self, client: AsyncOpenAI, arguments: dict[str, Any]) -> Any:
        """The server's answer; an embedded one starts each from the same state, so that order changes nothing."""
        model = self._entry.model_id or self._entry.alias
        if self._server is None:
            return await client.chat.completions.create(model=model, **arguments)
        async with self._one_at_a_time:
            static = arguments["messages"][0]
            if self._static != static:
                alone: dict[str, Any] = {"messages": [static, {"role": "user", "content": ""}], "max_tokens": 1}
                await client.chat.completions.create(model=model, **alone)
                await asyncio.to_thread(self._server.keep)
                self._static = static
            await asyncio.to_thread(self._server.put_back)
            return await client.chat.completions.create(model=model, **arguments)

    def _not_chat(self) -> ModelServerError:
        return ModelServerError(
            f"{self._where()} did not answer in the OpenAI chat format; check that the base URL ends in /v1."
        )

    async def _connect(self) -> AsyncOpenAI:
        async with self._connecting:
            if self._server is not None and not self._server.alive():
                raise ModelServerError(f"The embedded model server of '{self._entry.alias}' has died; see {self._log}.")
            if self._client is None:
                from openai import AsyncOpenAI, DefaultAioHttpClient

                base_url = self._entry.base_url
                if base_url is None:
                    self._server = await asyncio.to_thread(self._start)
                    base_url = self._server.base_url
                self._client = AsyncOpenAI(
                    base_url=base_url,
                    api_key=self._key or "none",
                    max_retries=0,  # tenacity retries; two policies would multiply
                    timeout=TIMEOUT_S,
                    http_client=DefaultAioHttpClient(),
                )
            return self._client

    def _start(self) -> LocalServer:
        path, _ = pull(self._entry)
        return LocalServer(path, self._entry.alias, self._log)

    # ------------------------------------------------------------------- failures

    def _worth_retrying(self, error: BaseException) -> bool:
        import openai

        if isinstance(error, openai.APIStatusError):
            return error.status_code in (408, 409, 429) or error.status_code >= 500
        return isinstance(error, openai.APIConnectionError) and not _hopeless(_cause(error))

    def _where(self) -> str:
        return f"The embedded model '{self._entry.alias}'" if self._server else f"The server {self._entry.base_url}"

    def _sentence(self, error: Exception) -> ModelServerError:
        import openai

        where, entry = self._where(), self._entry
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            variable = entry.key_env or "a key_env in the model's entry"
            return ModelServerError(f"{where} refused the key (HTTP {error.status_code}); check {variable}.")
        if isinstance(error, openai.NotFoundError):
            return ModelServerError(
                f"{where} knows no model '{entry.model_id or entry.alias}' or no such path (HTTP 404); "
                "check --model-id and that the base URL ends in /v1."
            )
        if isinstance(error, openai.APIConnectionError):
            if self._server is not None and not self._server.alive():
                return ModelServerError(f"{where} has died; see {self._log}.")
            cause = _cause(error)
            if cause is None and isinstance(error, openai.APITimeoutError):
                return ModelServerError(f"{where} gave no answer within {TIMEOUT_S:g} s, again and again.")
            if isinstance(cause, ConnectionRefusedError):
                what = "refuses connections"
            elif isinstance(cause, socket.gaierror):
                what = "has an address that does not exist"
            else:
                what = f"could not be reached for {RETRY_FOR_S:g} s"
            return ModelServerError(f"{where} {what}; check that it runs and that the address is right.")
        status = f"HTTP {error.status_code}" if isinstance(error, openai.APIStatusError) else type(error).__name__
        return ModelServerError(f"{where} failed ({status}: {self._redacted(error)}).")

    def _redacted(self, error: Exception) -> str:
        text = " ".join(str(error).split())
        return (text.replace(self._key, "[key]") if self._key else text)[:200]


def _hopeless(cause: OSError | None) -> bool:
    """Whether nobody listens at the address, or there is no such address: asking again at once is of no use."""
    if isinstance(cause, socket.gaierror):
        return cause.errno != socket.EAI_AGAIN
    return isinstance(cause, ConnectionRefusedError)


def _wait(state: RetryCallState) -> float:
    """Seconds until the next attempt: jittered and growing, or what the server asks for."""
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(getattr(error, "response", None), "headers", {}).get("retry-after", "")
    seconds = float(asked) if asked.replace(".", "", 1).isdigit() else 0.0
    return max(seconds, wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT_S)(state))


def _text(content: object) -> str:
    if not isinstance(content, str):
        raise TypeError("the content of a message is not text")
    return content


def _first_token(choice: Any) -> FirstToken | None:
    """What could have stood first; None where the server sent no log-probabilities."""
    content = getattr(choice.logprobs, "content", None) or []
    if not content or not content[0].top_logprobs:
        return None
    top = {t.token: float(t.logprob) for t in content[0].top_logprobs}
    letters = {token: logprob for token, logprob in top.items() if len(token.strip()) == 1}
    return FirstToken(letters, math.fsum(map(math.exp, top.values())), math.exp(min(top.values())))


def _cause(error: BaseException) -> OSError | None:
    """What the operating system said of a failed connection (the transport calls some of these time-outs)."""
    cause: BaseException | None = error
    while cause is not None:
        for candidate in (getattr(cause, "os_error", None), cause):
            if isinstance(candidate, OSError) and not isinstance(candidate, TimeoutError) and candidate.errno:
                return candidate
        cause = cause.__cause__ or cause.__context__
    return None
