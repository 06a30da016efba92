"""What a home is for: source, map, scale and months, written by the first run and read by every later one."""

import json
import os
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from wg_dagster.errors import BadHome, OutsideData

DEFAULT_HOME = "wg_home"
_FILE = "config.toml"


@dataclass(frozen=True)
class Config:
    """Where rows come from and which months the home covers; empty strings mean "not given"."""

    source: str = "synthetic"
    map: str = ""
    input: str = ""
    scale: str = "embedded"
    seed: int = 20260
    world: str = "base"
    history_from: str = ""  # first month of raw rows
    first_month: str = ""  # first month of factors and portfolios
    last_month: str = ""  # last month that the source holds
    issuer: str = ""  # path of a TOML file with the letter's issuer


def load_config(home: Path) -> Config:
    """The home's configuration; OutsideData if the home has had no run yet."""
    path = home / _FILE
    if not path.exists():
        raise OutsideData(f"home {home} holds no {_FILE}: nothing was run here yet; start with `wg run --home {home}`")
    return Config(**tomllib.loads(path.read_text()))


def save_config(home: Path, config: Config) -> Config:
    """Write the configuration of a new home, or widen the months of the same source; another source is refused."""
    path = home / _FILE
    if path.exists():
        before = load_config(home)
        same = replace(
            config, history_from=before.history_from, first_month=before.first_month, last_month=before.last_month, issuer=before.issuer
        )
        if same != before:
            differs = [name for name, value in asdict(same).items() if value != getattr(before, name)]
            raise BadHome(f"home {home} was made for other input ({', '.join(differs)} differ); choose another with --home")
        config = replace(
            config,
            history_from=min(before.history_from, config.history_from),
            first_month=min(before.first_month, config.first_month),
            last_month=max(before.last_month, config.last_month),
            issuer=config.issuer or before.issuer,
        )
    home.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in asdict(config).items()]
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text() != text:
        draft = path.with_suffix(f".draft-{os.getpid()}")
        draft.write_text(text)
        draft.replace(path)
    return config
