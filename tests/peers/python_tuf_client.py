"""Download one target with python-tuf, trusting nothing but a given root file.

Prints one line for each fact that the client verified. Exit status: 0 the target was
downloaded and verified, 3 the repository or the target was refused, 2 wrong usage,
anything else a fault of this script.
"""

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import tuf
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True, type=Path, help="trusted root.json")
    parser.add_argument("--metadata-url", required=True)
    parser.add_argument("--targets-url", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--out", type=Path, help="file to write; a temporary one by default")
    return parser.parse_args()


def download(args: argparse.Namespace, work: Path) -> None:
    out = args.out or work / "target"
    (work / "metadata").mkdir()
    updater = Updater(
        metadata_dir=str(work / "metadata"),
        metadata_base_url=args.metadata_url,
        target_base_url=args.targets_url,
        config=UpdaterConfig(targets_max_length=8 * 1024 * 1024),
        bootstrap=args.root.read_bytes(),
    )
    updater.refresh()
    trusted: TrustedMetadataSet = updater._trusted_set
    print(f"python-tuf {tuf.__version__}: root version {trusted.root.version}")
    for name, role in (
        ("timestamp", trusted.timestamp),
        ("snapshot", trusted.snapshot),
        ("targets", trusted.targets),
    ):
        print(f"python-tuf: {name} version {role.version}, expires {role.expires:%Y-%m-%dT%H:%M:%SZ}")
    info = updater.get_targetinfo(args.target)
    if info is None:
        raise RepositoryError(f"no target named {args.target}")
    path = updater.download_target(info, str(out))
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != info.hashes["sha256"]:
        raise RepositoryError("the file on disk is not the one that was verified")
    protection = info.custom["sealift"]["protection"] if info.custom else "not stated"
    print(f"python-tuf: {args.target} {info.length} bytes sha256 {digest} protection {protection}")


def main() -> int:
    args = arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="python-tuf-") as work:
            download(args, Path(work))
    except (RepositoryError, DownloadError) as refusal:
        print(f"python-tuf: refused: {type(refusal).__name__}: {refusal}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
