"""Who issues the letter: names, registration, dates, fees, risks and signed opinions, from a TOML file (docs/letters.md).

Without a file the letter is a draft and says so. Nothing in here is computed, and no figure may be written in an opinion: people cite
facts as `{own.return.1m}`.
"""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from wg_dagster.config import load_config
from wg_dagster.errors import BadInput, MissingColumn, UnreadableFile
from wg_dagster.letters.words import Words

ISSUER_FILE = "issuer.toml"
_DATES = re.compile(r"\d{4}年\d{1,2}月(\d{1,2}日)?|\d{4}-\d{2}(-\d{2})?")


_NOTHING = Words("", "")


@dataclass(frozen=True)
class Notice:
    """A text with a heading; `currencies` limits it to strategies in these currencies (empty = all)."""

    heading: Words
    body: Words
    currencies: tuple[str, ...] = ()

    def concerns(self, currency: str) -> bool:
        """The text belongs in the letter of a strategy in this currency."""
        return not self.currencies or currency in self.currencies


@dataclass(frozen=True)
class Opinion:
    """What a named person thinks, never generated."""

    strategy: str
    month: str
    author: Words
    signed_on: date
    body: Words

    @property
    def content_hash(self) -> str:
        """sha256 of author, date and both texts: what was signed."""
        return hashlib.sha256("\n".join([*self.author, self.signed_on.isoformat(), *self.body]).encode()).hexdigest()


@dataclass(frozen=True)
class Issuer:
    """The issuer block and the texts that people are responsible for."""

    name: Words
    registration: Words = _NOTHING
    associations: Words = _NOTHING
    contact: Words = _NOTHING
    is_draft: bool = False
    issue_dates: tuple[tuple[str, date], ...] = ()  # (month, day of issue)
    fees: tuple[Notice, ...] = ()
    risks: tuple[Notice, ...] = ()
    opinions: tuple[Opinion, ...] = ()

    def issue_date(self, month: str) -> date | None:
        """Day on which the month's letter is issued, where it was set."""
        return dict(self.issue_dates).get(month)

    def opinions_on(self, strategy: str, month: str) -> tuple[Opinion, ...]:
        """Signed opinions for one letter."""
        return tuple(one for one in self.opinions if (one.strategy, one.month) == (strategy, month))


def issuer_of_home(home: Path) -> Issuer:
    """The issuer of a home: `issuer.toml` in it, or the file that its config.toml names; else a draft."""
    own = home / ISSUER_FILE
    if own.exists():
        return load_issuer(own)
    if (home / "config.toml").exists() and (named := load_config(home).issuer):
        return load_issuer(home / named)
    return DRAFT


def load_issuer(path: Path) -> Issuer:
    """Read an issuer file; the message of an error names the file and the entry."""
    if not path.exists():
        raise UnreadableFile(f"issuer file {path} is not there; correct `issuer` in config.toml or write {ISSUER_FILE} into the home")
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"issuer file {path} is not TOML: {error}") from error
    known = {"issuer", "issue_dates", "fees", "risks", "opinions"}
    if unknown := sorted(set(written) - known):
        raise BadInput(f"issuer file {path}: {', '.join(unknown)} not known; known: {', '.join(sorted(known))}")
    block = written.get("issuer", {})
    return Issuer(
        name=_words(block, "name", path),
        registration=_words(block, "registration", path, required=False),
        associations=_words(block, "associations", path, required=False),
        contact=_words(block, "contact", path, required=False),
        issue_dates=tuple(
            sorted((month, _day(day, f"issue_dates.{month}", path)) for month, day in written.get("issue_dates", {}).items())
        ),
        fees=_notices(written, "fees", path, DRAFT.fees),
        risks=_notices(written, "risks", path, DRAFT.risks),
        opinions=tuple(_opinion(entry, path) for entry in written.get("opinions", [])),
    )


def _notices(written: dict[str, list[dict[str, object]]], name: str, path: Path, default: tuple[Notice, ...]) -> tuple[Notice, ...]:
    if name not in written:
        return default
    return tuple(
        Notice(_words(entry, "heading", path), _words(entry, "body", path), tuple(entry.get("currencies", ())))  # ty: ignore[invalid-argument-type]
        for entry in written[name]
    )


def _opinion(entry: dict[str, object], path: Path) -> Opinion:
    body = _words(entry, "body", path)
    for words in body:
        free = re.search(r"\d", re.sub(r"\{[a-z0-9_.]+\}", "", _DATES.sub("", words)))
        if free:
            raise BadInput(
                f"issuer file {path}: the opinion of {entry.get('author_ja')} holds the free figure {free.group()!r}; cite a fact such as "
                "{own.return.1m} instead, so that the letter and the opinion cannot differ"
            )
    for name in ("strategy", "month", "signed_on"):
        if name not in entry:
            raise MissingColumn(f"issuer file {path}: an opinion has no {name}; add it")
    signed = _day(entry["signed_on"], "opinions.signed_on", path)
    return Opinion(str(entry["strategy"]), str(entry["month"]), _words(entry, "author", path), signed, body)


def _words(entry: dict[str, object], name: str, path: Path, *, required: bool = True) -> Words:
    if required and not all(f"{name}_{language}" in entry for language in ("ja", "en")):
        raise MissingColumn(
            f"issuer file {path}: {name}_ja and {name}_en are needed, found {', '.join(sorted(entry)) or 'nothing'}; add them"
        )
    return Words(str(entry.get(f"{name}_ja", "")), str(entry.get(f"{name}_en", "")))


def _day(day: object, where: str, path: Path) -> date:
    if type(day) is not date:
        raise BadInput(f"issuer file {path}: {where} is {day!r}; write a date such as 2026-02-13 without quotes")
    return day


_RISKS = (
    Notice(
        Words("価格変動リスク", "Market risk"),
        Words(
            "組み入れる上場株式の価格は、株式市場、金利、為替、商品市況などの影響を受けて上下します。価格の下落により評価額が下がり、"
            "投資元本を下回ることがあります。本戦略は少数の銘柄に集中して投資するため、値動きが市場全体より大きくなることがあります。",
            "Prices of the listed shares held move with share markets, interest rates, currencies and commodities. A fall lowers the value "
            "of the account, which may drop below the amount invested. The strategy holds few names, so it may move more than the market.",
        ),
    ),
    Notice(
        Words("信用リスク", "Credit risk"),
        Words(
            "株式を発行する会社の経営や財務の状況が悪化した場合、株価が大きく下がり、または無価値となることがあります。",
            "If the business or finances of a company deteriorate, its shares may fall sharply or become worthless.",
        ),
    ),
    Notice(
        Words("流動性リスク", "Liquidity risk"),
        Words(
            "市場の取引が少ないときや売買が停止されたときは、希望する時期や価格で売買できないことがあります。",
            "When trading is thin or suspended, shares may not be bought or sold at the wished time or price.",
        ),
    ),
    Notice(
        Words("カントリーリスク", "Country risk"),
        Words(
            "投資先の国の政治、経済、法制度の変化や取引の規制により、価格が下落し、または売却や資金の移動が制限されることがあります。",
            "Changes in politics, economy or law, or restrictions on trading in the country invested in, may lower prices or limit sales "
            "and transfers.",
        ),
    ),
    Notice(
        Words("為替変動リスク", "Currency risk"),
        Words(
            "米ドル建ての株式と預かり金は、円高になると円換算の価値が下がります。株価が上昇しても、為替の変動により円換算で損失となることがあります。",
            "Shares and cash in US dollars lose yen value when the yen rises. Even when share prices rise, the exchange rate may turn the "
            "result into a loss in yen.",
        ),
        ("USD",),
    ),
    Notice(
        Words("費用に伴う為替リスク", "Currency risk of fees"),
        Words(
            "報酬や手数料の支払いのために米ドル建ての資産を円に換える場合、その時の為替相場により、円換算の負担額が変わります。",
            "Where assets in US dollars are exchanged to pay fees, the yen amount depends on the exchange rate of that day.",
        ),
        ("USD",),
    ),
)
_FEES = (
    Notice(
        Words("購入時手数料", "Purchase fee"),
        Words(
            "運用を開始または増額するとき、その増額分に対してご負担いただくことがあります。料率は契約締結前交付書面に記載します。",
            "May be charged on the amount added when a mandate is opened or increased. The rate is stated in the pre-contract document.",
        ),
    ),
    Notice(
        Words("サービス利用料", "Service fee"),
        Words(
            "運用資産の時価評価額に対してご負担いただきます。料率は契約締結前交付書面に記載します。本書の収益率は、この費用を差し引く前のものです。",
            "Charged on the market value of the assets. The rate is stated in the pre-contract document. Returns in this letter are "
            "before this fee.",
        ),
    ),
)
DRAFT = Issuer(name=Words("（発行者未設定）", "(issuer not configured)"), is_draft=True, fees=_FEES, risks=_RISKS)
