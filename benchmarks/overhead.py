"""What the harness costs beside a model: decisions on ICU-Sepsis against a local server that always takes 50 ms.

    python benchmarks/overhead.py [PYTHON_WITH_INSPECT_AI]

Ours is the whole way of a decision: rendering, request, parsing, validation, regret, a line on disk. The bare client
sends the same messages in a loop with a semaphore (`openai` on its aiohttp transport) and keeps the text. Inspect AI
runs the same prompts as samples of a task with one `generate`, without a scorer; it needs an environment of its own
(its dependencies pin other versions), whose interpreter is the argument. Each contestant is a process of its own, the
server another; all share the machine's cores. `ideal` is concurrency / 50 ms.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LATENCY_S = 0.05
REPLY = '{"iv_fluid_level":1,"vasopressor_level":0}'
PLANS = ((1, 100), (16, 1_500), (64, 5_000), (256, 5_000))
"""Requests in flight, and decisions."""


# --------------------------------------------------------------------------- the server


def serve() -> None:
    body = json.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": REPLY}}],
            "usage": {"prompt_tokens": 200, "completion_tokens": 12, "total_tokens": 212},
        }
    ).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(int(x[15:]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:"))
                await reader.readexactly(length)
                await asyncio.sleep(LATENCY_S)
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1_024)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(main())


# --------------------------------------------------------------------------- the contestants


def prompts(n: int) -> list[list[dict[str, str]]]:
    from harness.envs.registry import make
    from harness.llm.registry import ReplyFormat
    from harness.llm.structured import ReplyContract
    from harness.prompts.loader import load

    env = make("icu-sepsis")
    contract = ReplyContract(env.action_type, ReplyFormat.JSON)
    prompt = load("icu-sepsis", "direct")
    static = {"env": env.spec.model_dump(), "reply": contract.instruction()}
    system = prompt.system_message(static).model_dump()
    patients = [prompt.observation_message(static, env.observe(s).model_dump()).model_dump() for s in range(713)]
    return [[system, patients[i % 713]] for i in range(n)]


def ours(base_url: str, concurrency: int, n: int) -> float:
    """Asks states of ICU-Sepsis through the agent, as runs by `exact` do, past the cache."""
    from harness.agents.llm import LLMAgent
    from harness.core.run import Clock, RunFolder
    from harness.envs.registry import make
    from harness.evaluation.asking import Asker
    from harness.execution.local import each
    from harness.llm.client import ChatClient
    from harness.llm.registry import ReplyFormat, served
    from harness.llm.structured import ReplyContract
    from harness.prompts.loader import load

    env = make("icu-sepsis")
    contract = ReplyContract(env.action_type, ReplyFormat.JSON)
    env.regret  # noqa: B018 - solved once, before the clock runs

    async def main() -> float:
        client = ChatClient(served(base_url, "m"), contract, None, "run", Path, most=concurrency)
        agent = LLMAgent("m", load("icu-sepsis", "direct"), contract, client, {"env": env.spec.model_dump()})
        with tempfile.TemporaryDirectory() as where, RunFolder(Path(where)) as folder:
            asker = Asker(env, agent, folder, Clock(), concurrency, lambda n: None)

            async def one(i: int) -> None:
                asker.answers.pop(i % 713, None)
                await asker.decide(i % 713)

            await one(0)
            began = time.perf_counter()
            await each(range(n), one, concurrency)
            elapsed = time.perf_counter() - began
            await agent.close()
        return elapsed

    return asyncio.run(main())


def bare(base_url: str, concurrency: int, n: int) -> float:
    from openai import AsyncOpenAI, DefaultAioHttpClient

    messages = prompts(n)

    async def main() -> float:
        client = AsyncOpenAI(base_url=base_url, api_key="x", max_retries=0, http_client=DefaultAioHttpClient())
        gate = asyncio.Semaphore(concurrency)
        texts = []

        async def one(m: list[dict[str, str]]) -> None:
            async with gate:
                answer = await client.chat.completions.create(model="m", messages=m, temperature=0, max_tokens=512)
                texts.append(answer.choices[0].message.content)

        await one(messages[0])
        began = time.perf_counter()
        await asyncio.gather(*(one(m) for m in messages))
        elapsed = time.perf_counter() - began
        await client.close()
        return elapsed

    return asyncio.run(main())


def inspect(base_url: str, concurrency: int, n: int, file: str) -> float:
    """In the other environment: the prompts come from a file."""
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ChatMessageSystem, ChatMessageUser, get_model
    from inspect_ai.solver import generate

    samples = [
        Sample(input=[ChatMessageSystem(content=s["content"]), ChatMessageUser(content=u["content"])])
        for s, u in json.loads(Path(file).read_text())
    ]
    model = get_model("openai/m", base_url=base_url, api_key="x", responses_api=False)
    task = Task(dataset=samples, solver=generate(temperature=0.0, max_tokens=512))
    with tempfile.TemporaryDirectory() as logs:
        began = time.perf_counter()
        evaluate(
            task, model=model, max_connections=concurrency, max_samples=max(concurrency, 1), display="none",
            log_dir=logs, log_level="error",
        )  # fmt: skip
        return time.perf_counter() - began


def main(other: str | None) -> None:
    server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    base_url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    headings = ("in flight", "decisions/s", "of ideal", "of bare", "CPU ms", "peak MiB")
    print(f"{'50 ms a reply':14}" + " ".join(f"{h:>12}" for h in headings), flush=True)
    try:
        for concurrency, n in PLANS:
            found: dict[str, float] = {}
            for name in ("bare", "ours", *(("inspect",) if other else ())):
                words = [other if name == "inspect" and other else sys.executable, __file__, name, base_url]
                with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                    if name == "inspect":
                        file.write(json.dumps(prompts(n)))
                        file.flush()
                    words += [str(concurrency), str(n), file.name]
                    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
                f = json.loads(done.stdout.splitlines()[-1])
                found[name] = n / f["seconds"]
                print(
                    f"{name:14}{concurrency:12} {found[name]:12.1f} {found[name] * LATENCY_S / concurrency:12.1%} "
                    f"{found[name] / found['bare']:12.2f} {1e3 * f['cpu'] / n:12.2f} {f['peak']:12.0f}",
                    flush=True,
                )
    finally:
        server.kill()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        name, url, at_a_time, count, file = sys.argv[1:]
        if name == "inspect":
            seconds = inspect(url, int(at_a_time), int(count), file)
        else:
            seconds = {"ours": ours, "bare": bare}[name](url, int(at_a_time), int(count))
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = usage.ru_utime + usage.ru_stime
        print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": usage.ru_maxrss / 1024}))
    elif sys.argv[1:] == ["serve"]:
        serve()
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
