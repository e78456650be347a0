"""Who may be shown data: nothing of patients goes to somebody else's server without the user's word.

Whatever is made of a table (an MDP, a prompt, a run) keeps the table's `Provenance`, and asks `check_sharing` before
anything of it is sent to a model.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.core.errors import UsageError
from harness.data.schemas import Access
from harness.data.table import Origin, Table

FLAG = "--i-may-share-this-data"


class Provenance(BaseModel):
    """Where data come from, as manifests and reports keep it: no row of them, and no path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_set: str
    access: Access
    kind: Origin
    blob_sha1: str

    @property
    def restricted(self) -> bool:
        """Whether showing it to others takes the user's word. A file that is not known counts as the real one."""
        return self.access != "open" and self.kind != "stand-in"

    def in_words(self) -> str:
        """For reports: what the data are, and that a stand-in is one."""
        if self.kind == "stand-in":
            return f"a stand-in for the data set '{self.data_set}' made by this program: not data of patients"
        if self.access == "own":
            return f"your own data set '{self.data_set}'"
        which = "the known copy" if self.kind == "published" else "a file that is no known copy of it"
        return f"the data set '{self.data_set}' ({self.access}), {which}"


def provenance(table: Table) -> Provenance:
    """Of a table."""
    return Provenance(
        data_set=table.schema.id,
        access=table.schema.access,
        kind=table.source.kind,
        blob_sha1=table.source.blob_sha1,
    )


def check_sharing(data: Provenance, model: str, *, hosted: bool, allowed: bool) -> None:
    """See that a model may be shown what was made of these data.

    Parameters
    ----------
    data : Provenance
    model : str
        Its name, for the message.
    hosted : bool
        Whether it runs on a server; an embedded model keeps everything in this process.
    allowed : bool
        Whether the user said so with `--i-may-share-this-data`.

    Raises
    ------
    UsageError
        If the data are restricted, the model is hosted, and the user has not said so.
    """
    if not hosted or allowed or not data.restricted:
        return
    why = (
        "are credentialed: the agreement you signed forbids passing them on"
        if data.access == "credentialed"
        else "are your own patients'"
    )
    raise UsageError(
        f"The data of '{data.data_set}' {why}, and '{model}' is a hosted model; expected an embedded one (`harness "
        f"models`), or {FLAG} if you may show these data to whoever runs that server."
    )
