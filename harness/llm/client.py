"""One model, asked. Every request goes through the cache of replies; identical ones in flight are asked once.

Retries what is worth it (a lost connection, a time-out, 429, 5xx, an answer that is none) with jittered back-off, asks
no more at a time than the server bears, and learns what it understands; anything else ends in a `ModelServerError` of
one sentence. Keys never stand in a message.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_delay, wait_random_exponential

from harness.core.agent import Message
from harness.core.errors import ModelServerError
from harness.llm.budget import Budget, Limits
from harness.llm.cache import ReplyCache, key_of
from harness.llm.dialect import Dialect, remember, remembered
from harness.llm.endpoint import Endpoint
from harness.llm.failures import retry_after, sentence, words_of, worth_retrying
from harness.llm.keys import api_key_of, more_keys_of
from harness.llm.lengths import PROMPT_RATIO
from harness.llm.load import Gate, Rate
from harness.llm.local import LocalServer
from harness.llm.registry import ModelEntry
from harness.llm.reply import Asked, Malformed, Reply, read
from harness.llm.request import identity_of, limit_of, request_of, sampling_of
from harness.llm.secrets import without
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
"""Longest that a request may take, if the model's entry does not say. An embedded model on a busy laptop may need half
a minute for a long prompt, a model that thinks first several."""

MOST_AT_A_TIME = 256

CHARACTERS_PER_TOKEN = 4
"""For budgets, where a server does not say how many tokens it took."""


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
        self._budget = budget or Budget(Limits(), entry)
        self._session = uuid.uuid4().hex[:8]
        self._uncached = itertools.count()
        self._in_flight: dict[str, asyncio.Future[Reply]] = {}
        self._connecting = asyncio.Lock()
        self._one_at_a_time = asyncio.Lock()
        self._static: Mapping[str, str] | None = None
        self._server: LocalServer | None = None
        self._gate = Gate(most)
        self._rate = Rate(entry.requests_per_minute, entry.tokens_per_minute)
        self._model = entry.model_id or entry.alias
        self._timeout_s = entry.timeout_s or TIMEOUT_S
        keys = {entry.key_env: api_key_of(entry)} | more_keys_of(entry)
        urls = (entry.base_url, *entry.more_urls)
        self._endpoints = [Endpoint(url, name, key) for url in urls for name, key in keys.items()]
        self._without_keys = without(keys.values())
        self._turns = itertools.cycle(self._endpoints)
        self._dialect = Dialect()
        self._identity = identity_of(entry)
        if entry.weights is None:
            self._dialect = remembered(str(entry.base_url), str(entry.model_id)) or self._dialect

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
            await endpoint.close()
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
        return request_of(
            self._entry,
            self._contract,
            self._identity,
            messages,
            temperature=self._temperature,
            sample=sample,
            max_tokens=max_tokens,
            logprobs=self._logprobs,
        )

    @property
    def takes(self) -> str:
        """What the server understands, as far as it was asked, in words."""
        if self._entry.weights is not None:
            return "replies held by a grammar"
        if not self._entry.schema_constrained:
            return "free text, as schema_constrained in its entry says"
        return str(self._dialect)

    @property
    def sampling(self) -> dict[str, float | int | str | None]:
        """What is sent with every request, before the server refuses any of it; a seed of None is one of its own."""
        return sampling_of(self._entry, self._contract, self._temperature, logprobs=self._logprobs)

    @property
    def max_tokens(self) -> int:
        """How long a reply may be, if nothing else is said."""
        return limit_of(self._entry, self._contract)

    async def _ask(self, request: Mapping[str, Any], key: str) -> Reply:
        import openai

        retrying = AsyncRetrying(retry=retry_if_exception(self._worth_retrying), wait=_wait, stop=_stop, reraise=True)
        endpoint = self._endpoints[0]
        try:
            async for attempt in retrying:
                with attempt:
                    endpoint = next(self._turns)
                    async with self._gate.passing():
                        reply = await self._paid(endpoint, request, key)
                    await self._gate.answered()
                    return reply
        except (Malformed, TimeoutError, openai.OpenAIError) as error:
            failure = self._sentence(error, endpoint)
        raise failure  # out here it does not carry the error along, whose request has the key in its headers

    async def _paid(self, endpoint: Endpoint, request: Mapping[str, Any], key: str) -> Reply:
        """One attempt, within the rate and the budget."""
        import openai

        characters = sum(len(m["content"]) for m in request["messages"])
        most = math.ceil(PROMPT_RATIO.high * characters), request["max_tokens"]
        turn = await self._rate.turn(sum(most))
        async with self._budget.held(*most):
            try:
                reply = await self._send(endpoint, request, key)
            except openai.APIStatusError as error:
                if error.status_code in (429, 503, 529):
                    self._gate.refused()
                raise
            prompt, completion = reply.prompt_tokens, reply.completion_tokens
            if not reply.usage_reported:
                prompt = characters // CHARACTERS_PER_TOKEN
                completion = len(reply.text) // CHARACTERS_PER_TOKEN
            self._rate.used(turn, prompt + completion)
            self._budget.spend(prompt, reply.cached_tokens, completion)
        return reply

    async def _send(self, endpoint: Endpoint, request: Mapping[str, Any], key: str) -> Reply:
        """The server's reply, in a dialect that it understands; what it did not is left out, and remembered."""
        import openai

        client = await self._connect(endpoint)
        began = dialect = self._dialect
        while True:
            sent = {"model": self._model, **dialect.arguments(request, self._contract)}
            try:
                answer = await self._answered(client, sent)
                break
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                following = dialect.after(words_of(error), sent)
                if following is None or self._entry.weights is not None:
                    raise
                dialect = following
        if dialect != began == self._dialect:  # another request may have learnt it meanwhile
            self._dialect = dialect
            remember(str(self._entry.base_url), str(self._entry.model_id), dialect)
        asked = Asked(
            key=key,
            run=self._run,
            constrained=any(name in sent for name in ("response_format", "tools", "grammar")),
            form=dialect.form(request),
            left_out=dialect.left_out,
            seed=sent.get("seed") if self._temperature > 0 else None,
            max_tokens=request["max_tokens"] if request["max_tokens"] != self.max_tokens else None,
        )
        return read(answer, asked, sent, self._without_keys, logprobs=self._logprobs)

    async def _answered(self, client: AsyncOpenAI, body: Mapping[str, Any]) -> Any:
        """The server's answer; an embedded one starts each from the same state, so that order changes nothing."""
        if self._server is None:
            return await self._posted(client, body)
        async with self._one_at_a_time:
            static = body["messages"][0]
            if self._static != static:
                first = {"model": self._model, "messages": [static, {"role": "user", "content": ""}], "max_tokens": 1}
                await self._posted(client, first)
                await asyncio.to_thread(self._server.keep)
                self._static = static
            await asyncio.to_thread(self._server.put_back)
            return await self._posted(client, body)

    async def _posted(self, client: AsyncOpenAI, body: Mapping[str, Any]) -> Any:
        """By `post`, for `create` would go through every branch of the schema on its way: a third of a call's cost."""
        from aiohttp import ClientError
        from openai.types.chat import ChatCompletion

        try:
            async with asyncio.timeout(self._timeout_s):
                return await client.post("/chat/completions", body=body, cast_to=ChatCompletion)
        except (ValueError, RecursionError, ClientError) as error:  # not JSON, or not even HTTP
            raise Malformed(type(error).__name__) from None

    async def _connect(self, endpoint: Endpoint) -> AsyncOpenAI:
        async with self._connecting:
            if self._server is not None and not self._server.alive():
                raise ModelServerError(f"The embedded model server of '{self._entry.alias}' has died; see {self._log}.")
            if endpoint.client is None and endpoint.base_url is None:
                self._server = await asyncio.to_thread(self._start)
            return endpoint.connected(self._server.base_url if self._server is not None else None)

    def _start(self) -> LocalServer:
        path, _ = pull(self._entry)
        return LocalServer(path, self._entry.alias, self._log)

    # ------------------------------------------------------------------- failures

    def _worth_retrying(self, error: BaseException) -> bool:
        return isinstance(error, Malformed | TimeoutError) or worth_retrying(error)

    def _sentence(self, error: Exception, endpoint: Endpoint) -> ModelServerError:
        where = f"The embedded model '{self._entry.alias}'" if self._server else f"The server {endpoint.base_url}"
        if self._server is not None and not self._server.alive():
            return ModelServerError(f"{where} has died; see {self._log}.")
        if isinstance(error, Malformed):
            what = "did not answer in the OpenAI chat format; check that the base URL ends in /v1."
            return ModelServerError(f"{where} {what}", hopeless=False)
        if isinstance(error, TimeoutError):
            what = f"gave no answer within {self._timeout_s:g} s; allow more with --timeout, or timeout_s in its entry."
            return ModelServerError(f"{where} {what}", hopeless=False)
        return sentence(
            error,
            where,
            variable=endpoint.variable,
            model=self._model,
            waited_s=RETRY_FOR_S,
            clean=self._without_keys,
        )


def _wait(state: RetryCallState) -> float:
    """Seconds until the next attempt: jittered and growing, or what the server asks for."""
    return max(retry_after(_failure(state)), wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT_S)(state))


def _stop(state: RetryCallState) -> bool:
    """Whether to give up; not before a second attempt, however long the first one was allowed to take."""
    error = _failure(state)
    if isinstance(error, Malformed):
        return state.attempt_number >= MALFORMED_TRIES
    late = state.attempt_number > 1 and stop_after_delay(RETRY_FOR_S)(state)
    return late or retry_after(error) > RETRY_FOR_S


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
