"""The Naver Sentiment Movie Corpus (NSMC): where it is, or how to get it.

150,000 training and 50,000 test reviews, CC0 1.0: https://github.com/e9t/nsmc
"""

from __future__ import annotations

import hashlib
import os
import urllib.request
from pathlib import Path

_HOME = "https://raw.githubusercontent.com/e9t/nsmc/master"
_SHA256 = {
    "ratings_test.txt": "8ac9f64052f11dbf6ae0acb5e038f03d90a76f0eda7820cfb3a92d02edfcebda",
    "ratings_train.txt": "e03b7d14e9e41be8d464a28057cd25d7396c53e67aa7fd5f7e552c59b0ee2940",
}


def find(download_to: Path) -> Path:
    """The folder with `ratings_train.txt` and `ratings_test.txt`, checked by their SHA-256.

    It is `NSMC_DIR` where that is set; otherwise `download_to`, filled from the corpus' public home.

    Raises:
        ValueError: when a file is missing, cannot be fetched, or is not the published one.
    """
    given = os.environ.get("NSMC_DIR")
    folder = Path(given) if given else download_to
    for name, sha256 in _SHA256.items():
        path = folder / name
        if not given and not path.exists():
            _download(f"{_HOME}/{name}", path)
        if not path.is_file():
            raise ValueError(f"NSMC_DIR is {given}, and {name} is not in it; unset it to download the corpus")
        if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise ValueError(f"{path} is not NSMC's {name}: its SHA-256 differs; remove it and try again")
    return folder


def _download(url: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    print(f"  downloading {url}", flush=True)
    try:
        urllib.request.urlretrieve(url, partial)  # noqa: S310 (the scheme is a constant's)
    except OSError as error:
        raise ValueError(
            f"{url} cannot be reached ({error}); set NSMC_DIR to a folder that has it"
        ) from error
    partial.replace(path)
