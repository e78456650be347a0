"""One server with one key, and the connection to it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_VARIABLE = "OPENAI_API_KEY"
"""Whoever is sent this key is sent what else the `openai` package reads from the environment; nobody else is."""


@dataclass
class Endpoint:
    """One server with one key (and the variable that held it), and the connection to it once there is one.

    `base_url` is None for an embedded server, which has none before it runs.
    """

    base_url: str | None
    variable: str | None
    key: str | None
    client: AsyncOpenAI | None = None

    def connected(self, base_url: str | None = None) -> AsyncOpenAI:
        """The connection, opened if there is none; to `base_url` where the endpoint has no address of its own."""
        if self.client is None:
            from openai import AsyncOpenAI, DefaultAioHttpClient

            self.client = AsyncOpenAI(
                base_url=self.base_url or base_url,
                api_key=self.key or "none",
                max_retries=0,  # tenacity retries; two policies would multiply
                timeout=None,  # there is one for the whole call; here it would begin anew with every byte
                default_headers=self._nothing_else(),
                http_client=DefaultAioHttpClient(),
            )
        return self.client

    def _nothing_else(self) -> Any:
        """Headers that keep organisation, project and OPENAI_CUSTOM_HEADERS, which may be secret, from others."""
        from openai import Omit

        if self.variable == OPENAI_VARIABLE:
            return {}
        names = [line.partition(":")[0].strip() for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")]
        found: dict[str, str | Omit] = {
            name: Omit() for name in ("OpenAI-Organization", "OpenAI-Project", *names) if name
        }
        ours = {name: f"Bearer {self.key or 'none'}" for name in found if name.lower() == "authorization"}
        return found | ours

    async def close(self) -> None:
        """Close the connection."""
        if self.client is not None:
            await self.client.close()
            self.client = None
