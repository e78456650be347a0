"""One model, asked. Every request goes through the cache of replies; identical ones in flight are asked once.

Retries what is worth it (a lost connection, a time-out, 429, 5xx, an answer that is none) with jittered back-off, asks
no more at a time than the server bears, and learns what it understands; anything else ends in a `ModelServerError` of
one sentence. Keys never stand in a message.
"""

from __future__ import annotations

import asyncio
import itertools
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
from harness.llm.budget import Budget
from harness.llm.cache import ReplyCache, key_of
from harness.llm.dialect import Dialect, Mode, first_dialect, remember, remembered
from harness.llm.load import Gate, Rate
from harness.llm.local import LocalServer, engine
from harness.llm.registry import ModelEntry, ReplyFormat, more_keys_of
from harness.llm.registry import key_of as api_key_of
from harness.llm.reply import Malformed, Reply, read
from harness.llm.structured import ReplyContract
from harness.llm.weights import pull

if TYPE_CHECKING:
    from openai import AsyncOpenAI

RETRY_FOR_S = 300.0
LONGEST_WAIT_S = 30.0
"""A server that throttles or fails is asked again, with growing and jittered waits, for this long; as long as it says
in `Retry-After`, if that is within the time."""

MALFORMED_TRIES = 5
"""Answers that are none are asked for again so many times: a proxy's page may be gone the next time, or not."""

TIMEOUT_S = 180.0
"""Per request. An embedded model on a busy laptop may need half a minute for a long prompt."""

REPLY_TOKENS = 512
"""Limit for replies of a server: enough for an action with some talk around it, in free text. Embedded models are held
to the shortest reply and need no room for talk."""

MOST_AT_A_TIME = 256

EMBEDDED_LOGPROBS, SERVED_LOGPROBS = 4_000, 20
"""How many of the likeliest tokens to ask for: all that matter, or the most that hosted servers give."""

SEED = 0
"""Sent with every request: at temperature 0 it should not matter, and where it does it is recorded."""

CHARACTERS_PER_TOKEN = 4
"""For budgets, where a server does not say how many tokens it took."""


@dataclass
class Endpoint:
    """One server with one key, and the connection to it once there is one."""

    base_url: str | None
    key: str | None
    client: AsyncOpenAI | None = None


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
    budget : what the run may spend, asked before every request
    most : requests in flight, at most; fewer where the server throttles
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
        budget: Budget | None = None,
        most: int = MOST_AT_A_TIME,
    ) -> None:
        self._entry = entry
        self._contract = contract
        self._cache = cache
        self._run = run
        self._log_folder = log_folder
        self._temperature = temperature
        self._logprobs = logprobs
        self._budget = budget
        self._session = uuid.uuid4().hex[:8]
        self._uncached = itertools.count()
        self._in_flight: dict[str, asyncio.Future[Reply]] = {}
        self._connecting = asyncio.Lock()
        self._one_at_a_time = asyncio.Lock()
        self._static: Mapping[str, str] | None = None
        self._server: LocalServer | None = None
        self._gate = Gate(most)
        self._rate = Rate(entry.requests_per_minute, entry.tokens_per_minute)
        keys = (api_key_of(entry), *more_keys_of(entry))
        urls = (entry.base_url, *entry.more_urls)
        self._endpoints = [Endpoint(url, key) for url in urls for key in keys]
        self._turns = itertools.cycle(self._endpoints)
        self._dialect = Dialect(mode=Mode.TEXT)
        self._identity = identity_of(entry)
        if entry.weights is None:
            known = remembered(str(entry.base_url), str(entry.model_id)) if entry.schema_constrained else None
            self._dialect = known or first_dialect(contract, entry.schema_constrained)

    @property
    def identity(self) -> dict[str, str | None]:
        """Which weights on which engine, or which model on which server."""
        return dict(self._identity)

    async def complete(
        self, messages: Sequence[Message], sample: str | None = None, max_tokens: int | None = None
    ) -> Reply:
        """The model's reply to a prompt; at a temperature above 0, that of the name `sample`.

        Raises
        ------
        ModelServerError
            If the server cannot be reached or refuses in a way that asking again will not mend.
        BudgetSpent
            If the run may not ask any more.
        """
        request = self._request(messages, sample, max_tokens or self.max_tokens)
        if self._cache is None:
            return await self._ask(request, f"{key_of(request)}#{self._session}-{next(self._uncached)}")
        key = key_of(request)
        if (stored := self._cache.get(key)) is not None:
            return Reply.stored(stored)
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
        for endpoint in self._endpoints:
            if endpoint.client is not None:
                await endpoint.client.close()
                endpoint.client = None
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

    def _request(self, messages: Sequence[Message], sample: str | None, max_tokens: int) -> dict[str, Any]:
        """Everything that can change a reply."""
        request = {
            "endpoint": self._identity,
            "messages": [m.model_dump() for m in messages],
            "temperature": self._temperature,
            "seed": SEED,
            "max_tokens": max_tokens,
            "constraint": constraint_of(self._entry, self._contract),
        }
        if self._entry.reasoning_effort is not None:
            request |= {"reasoning_effort": self._entry.reasoning_effort}
        if self._temperature > 0:
            # of the whole request: draws of different patients must not go hand in hand
            request |= {"sample": sample, "seed": zlib.crc32(key_of(request | {"sample": sample}).encode()) % 2**31}
        return request | logprobs_of(self._entry) if self._logprobs else request

    @property
    def max_tokens(self) -> int:
        """How long a reply may be, if nothing else is said."""
        return limit_of(self._entry, self._contract)

    async def _ask(self, request: Mapping[str, Any], key: str) -> Reply:
        import openai

        retrying = AsyncRetrying(
            retry=retry_if_exception(self._worth_retrying),
            wait=_wait,
            stop=lambda state: stop_after_delay(RETRY_FOR_S)(state) or _malformed_too_often(state),
            reraise=True,
        )
        endpoint = self._endpoints[0]
        try:
            async for attempt in retrying:
                with attempt:
                    endpoint = next(self._turns)
                    await self._rate.turn()
                    async with self._gate.passing():
                        reply = await self._paid(endpoint, request, key)
                    await self._gate.answered()
                    return reply
        except Malformed:
            where = self._where(endpoint)
            sentence = f"{where} did not answer in the OpenAI chat format; check that the base URL ends in /v1."
            raise ModelServerError(sentence, hopeless=False) from None
        except openai.OpenAIError as error:
            raise self._sentence(error, endpoint) from None
        raise AssertionError("unreachable: tenacity re-raises")

    async def _paid(self, endpoint: Endpoint, request: Mapping[str, Any], key: str) -> Reply:
        """One attempt, within the budget."""
        import openai

        if self._budget is not None:
            self._budget.ask()
        try:
            reply = await self._send(endpoint, request, key)
        except BaseException as error:
            if self._budget is not None:
                self._budget.failed()
            if isinstance(error, openai.APIStatusError) and error.status_code in (429, 503, 529):
                self._gate.refused()
            raise
        prompt, completion = reply.prompt_tokens, reply.completion_tokens
        if not reply.usage_reported:
            prompt = sum(len(m["content"]) for m in request["messages"]) // CHARACTERS_PER_TOKEN
            completion = len(reply.text) // CHARACTERS_PER_TOKEN
        self._rate.used(prompt + completion)
        if self._budget is not None:
            self._budget.answered(prompt, reply.cached_tokens, completion)
        return reply

    async def _send(self, endpoint: Endpoint, request: Mapping[str, Any], key: str) -> Reply:
        import openai

        client = await self._connect(endpoint)
        dialect = self._dialect
        sent = dialect.arguments(request, self._contract)
        try:
            answer = await self._answered(client, sent)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            following = dialect.after(str(error), sent)
            if following is None or self._entry.weights is not None:
                raise
            if self._dialect == dialect:  # another request may have learnt it meanwhile
                self._dialect = following
                remember(str(self._entry.base_url), str(self._entry.model_id), following)
            return await self._send(endpoint, request, key)
        except ValueError as error:  # not JSON
            raise Malformed(str(error)) from None
        constrained = any(name in sent for name in ("response_format", "tools", "grammar"))
        return read(
            answer,
            alias=self._entry.alias,
            key=key,
            run=self._run,
            constrained=constrained,
            left_out=dialect.left_out,
            logprobs=self._logprobs,
        )

    async def _answered(self, client: AsyncOpenAI, body: Mapping[str, Any]) -> Any:
        """The server's answer; an embedded one starts each from the same state, so that order changes nothing."""
        if self._server is None:
            return await self._posted(client, body)
        async with self._one_at_a_time:
            static = body["messages"][0]
            if self._static != static:
                await self._posted(client, {"messages": [static, {"role": "user", "content": ""}], "max_tokens": 1})
                await asyncio.to_thread(self._server.keep)
                self._static = static
            await asyncio.to_thread(self._server.put_back)
            return await self._posted(client, body)

    async def _posted(self, client: AsyncOpenAI, body: Mapping[str, Any]) -> Any:
        """By `post`, for `create` would go through every branch of the schema on its way: a third of a call's cost."""
        from openai.types.chat import ChatCompletion

        model = self._entry.model_id or self._entry.alias
        return await client.post("/chat/completions", body={"model": model, **body}, cast_to=ChatCompletion)

    async def _connect(self, endpoint: Endpoint) -> AsyncOpenAI:
        async with self._connecting:
            if self._server is not None and not self._server.alive():
                raise ModelServerError(f"The embedded model server of '{self._entry.alias}' has died; see {self._log}.")
            if endpoint.client is None:
                from openai import AsyncOpenAI, DefaultAioHttpClient

                base_url = endpoint.base_url
                if base_url is None:
                    self._server = await asyncio.to_thread(self._start)
                    base_url = self._server.base_url
                endpoint.client = AsyncOpenAI(
                    base_url=base_url,
                    api_key=endpoint.key or "none",
                    max_retries=0,  # tenacity retries; two policies would multiply
                    timeout=TIMEOUT_S,
                    http_client=DefaultAioHttpClient(),
                )
            return endpoint.client

    def _start(self) -> LocalServer:
        path, _ = pull(self._entry)
        return LocalServer(path, self._entry.alias, self._log)

    # ------------------------------------------------------------------- failures

    def _worth_retrying(self, error: BaseException) -> bool:
        import openai

        if isinstance(error, Malformed):
            return True
        if isinstance(error, openai.APIStatusError):
            return error.status_code in (408, 409, 429) or error.status_code >= 500
        return isinstance(error, openai.APIConnectionError) and not _hopeless(_cause(error))

    def _where(self, endpoint: Endpoint) -> str:
        return f"The embedded model '{self._entry.alias}'" if self._server else f"The server {endpoint.base_url}"

    def _sentence(self, error: Exception, endpoint: Endpoint) -> ModelServerError:
        import openai

        where, entry = self._where(endpoint), self._entry
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
                return ModelServerError(
                    f"{where} gave no answer within {TIMEOUT_S:g} s, again and again.", hopeless=False
                )
            if isinstance(cause, ConnectionRefusedError):
                what = "refuses connections"
            elif isinstance(cause, socket.gaierror):
                what = "has an address that does not exist"
            else:
                what = f"could not be reached for {RETRY_FOR_S:g} s"
            return ModelServerError(f"{where} {what}; check that it runs and that the address is right.")
        status = f"HTTP {error.status_code}" if isinstance(error, openai.APIStatusError) else type(error).__name__
        return ModelServerError(f"{where} failed ({status}: {self._redacted(error)}).", hopeless=False)

    def _redacted(self, error: Exception) -> str:
        text = " ".join(str(error).split())
        for endpoint in self._endpoints:
            text = text.replace(endpoint.key, "[key]") if endpoint.key else text
        return text[:200]


def identity_of(entry: ModelEntry) -> dict[str, str | None]:
    """Which weights on which engine, or which model on which server.

    Raises
    ------
    ModelServerError
        If the engine is not installed.
    """
    if entry.weights is None:
        return {"server": entry.base_url, "model": entry.model_id}
    return {"weights_sha256": entry.weights.sha256, "engine": engine()}


def constraint_of(entry: ModelEntry, contract: ReplyContract) -> dict[str, Any]:
    """What a reply is held to: by grammar where the model runs here, by the schema where a server takes one."""
    if entry.weights is not None:
        return {"grammar": contract.grammar}
    if entry.schema_constrained and contract.format is ReplyFormat.JSON:
        return {"type": "json_schema", "schema": contract.schema}
    return {}


def logprobs_of(entry: ModelEntry) -> dict[str, Any]:
    """What is added to a request for the probabilities of the reply's first token."""
    embedded = entry.weights is not None
    return {"logprobs": True, "top_logprobs": EMBEDDED_LOGPROBS if embedded else SERVED_LOGPROBS}


def limit_of(entry: ModelEntry, contract: ReplyContract) -> int:
    """How many tokens a reply may have, if nothing else is said."""
    if entry.max_tokens is not None:
        return entry.max_tokens
    return contract.max_tokens() if entry.weights is not None else REPLY_TOKENS


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


def _malformed_too_often(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return isinstance(error, Malformed) and state.attempt_number >= MALFORMED_TRIES


def _cause(error: BaseException) -> OSError | None:
    """What the operating system said of a failed connection (the transport calls some of these time-outs)."""
    cause: BaseException | None = error
    while cause is not None:
        for candidate in (getattr(cause, "os_error", None), cause):
            if isinstance(candidate, OSError) and not isinstance(candidate, TimeoutError) and candidate.errno:
                return candidate
        cause = cause.__cause__ or cause.__context__
    return None
