"""The Hugging Face hub itself: a folder goes up, a file comes down, by its own client."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import RunError
from zoo.pretrained.hub_folder import CONFIG, read_config
from zoo.utils.extras import import_extra


def upload(folder: Path, identity: str, private: bool, overwrite: bool) -> str:
    """Put a folder on the hub, and return its address.

    Args:
        folder: A network's folder; the commit is named after the network in its config.
        identity: The repository on the hub, as in 'owner/name'.
        private: Whether a repository that is made now is hidden from others.
        overwrite: Whether one that exists may be written to. Files of it that the folder does not
            have stay there.

    Raises:
        RunError: The repository exists and is not to be overwritten, the hub refuses it, or the
            client is not installed.
    """
    api = import_extra("huggingface_hub").HfApi()
    spec = read_config(folder / CONFIG).network
    try:
        if api.repo_exists(identity) and not overwrite:
            raise RunError(f"{identity} exists already: choose another name, or overwrite=True")
        address = api.create_repo(identity, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=identity, folder_path=folder, commit_message=f"{spec.name}, by neural-zoo"
        )
    except RunError:
        raise
    except Exception as error:  # the client has its own errors, and those of what it is built on
        raise RunError(f"the hub does not take {identity}: {_reason(error)}") from error
    return str(address)


def download(
    identity: str, file: str, revision: str | None, largest: int
) -> tuple[Path, str | None]:
    """One file of a repository, from the hub or the client's cache, and the commit it is of.

    Its size is asked for first, so that one that is too large is never fetched.

    Args:
        identity: The repository on the hub, as in 'owner/name'.
        file: The file's path in it.
        revision: A branch, a tag or a commit; None is the newest of the main branch.
        largest: Bytes that the file may have.

    Returns:
        The path of the file in the client's cache, and the commit's hash.

    Raises:
        RunError: The file is larger, it cannot be had, or the client is not installed.
    """
    api = import_extra("huggingface_hub").HfApi()
    try:
        found = api.hf_hub_download(identity, file, revision=revision, dry_run=True)
        if found.file_size > largest:
            raise RunError(
                f"{file} of {identity} has {found.file_size:,} bytes, more than the {largest:,} "
                "that it can need: do not trust it"
            )
        path = api.hf_hub_download(identity, file, revision=found.commit_hash)
    except RunError:
        raise
    except Exception as error:
        raise RunError(f"cannot get {file} of {identity}: {_reason(error)}") from error
    return Path(path), found.commit_hash


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
