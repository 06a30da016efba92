"""The base market of the corruption suite, built once; and a place for its table."""

import fcntl
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "chain")]  # tests are no package: lets them import their neighbours


@pytest.fixture(scope="session")
def base(tmp_path_factory, worker_id):
    """Home with everything up to the month before the damaged one; read only."""
    from verdicts import build_base

    root = tmp_path_factory.getbasetemp()
    root = root if worker_id == "master" else root.parent
    with (root / "corruption.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "corruption_done").exists():
            build_base(root / "corruption_base")
            (root / "corruption_done").touch()
    return root / "corruption_base"


@pytest.fixture(scope="session")
def untouched(base, tmp_path_factory):
    """What the clean files say, and whom to hit."""
    from damage import Target
    from delivery import clean_files, frame_of
    from verdicts import known, symbols_held

    files = dict(clean_files())
    folder = tmp_path_factory.mktemp("untouched") / "case"
    before = known(base, folder, files)
    symbols = frame_of(files, "prices.csv")["vendor_symbol"].unique().sort().to_list()
    return files, before, Target(symbols, [symbol for symbol in symbols_held(folder, before) if symbol in symbols])


@pytest.fixture
def delivered(base, untouched, tmp_path):
    """delivered(damage name, seed) -> Verdict; `follow` takes it to the weights also after a finding."""
    from damage import DAMAGES, drawn
    from news import NEWS
    from verdicts import judged

    def run(name, seed, *, follow=False):
        files, before, target = untouched
        folder = tmp_path / f"{name}_{seed}"
        damage = (DAMAGES | NEWS)[name]
        verdict = judged(base, folder, damage(files, drawn(name, seed), target), before, follow=follow)
        shutil.rmtree(folder)
        return verdict

    return run


@pytest.fixture
def landed(tmp_path):
    """landed(damage name, seed) -> (what the adapter said: the error, or rules with their files; the names of the files)."""
    from damage import Target, damaged
    from delivery import MONTH, clean_files, frame_of, map_text

    from wg_dagster.errors import BadInput
    from wg_dagster.ingest.drop import Drop

    def run(name, seed):
        files = dict(clean_files())
        symbols = frame_of(files, "prices.csv")["vendor_symbol"].unique().sort().to_list()
        files = damaged(name, seed, files, Target(symbols, symbols)) if name else files
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        (tmp_path / "map.toml").write_text(map_text())
        for file, content in files.items():
            (inbox / file).write_bytes(content)
        try:
            parts = list(Drop.open(tmp_path / "map.toml", inbox).load([MONTH]))
        except BadInput as refused:
            return f"{type(refused).__name__}: {refused}", files
        held = [rows.select("rule", "source_file").unique() for table, rows in parts if table == "quarantine"]
        return " ".join(sorted(f"{rule} in {file}" for rows in held for rule, file in rows.iter_rows())), files

    return run
