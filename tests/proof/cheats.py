"""Copies of the dbt project in which one model peeks, and homes that were built with them."""

import shutil
from pathlib import Path

from wg_dagster.dbt_inside import DbtInside
from wg_dagster.factor_run import PROJECT, build_factors
from wg_dagster.walk import rebuild
from wg_dagster.warehouse import Warehouse

_LAKE = "{{ source('lake', 'prices_clean') }}"
_NEXT_CLOSE = f"""(select min_by(later.close, later.session_date) from {_LAKE} as later
        where later.security_id = members.security_id and later.session_date > members.as_of_date)"""
# model -> (text, what stands there instead): each looks at something that was not known yet
CHEATS = {
    "next month's price in a level": {
        "factors/factor_price_level": [
            ("ln(close) as log_price", f"ln(coalesce({_NEXT_CLOSE}, close)) as log_price"),
            ('{{ ref("int_members") }}', '{{ ref("int_members") }} as members'),
        ],
    },
    "an average over all months": {
        "factors/factor_price_level": [
            ("ln(close) as log_price", f"ln(close) - (select avg(ln(close)) from {_LAKE} where close > 0) as log_price")
        ],
    },
    "only names that survive": {
        "intermediate/int_members": [
            ("where prices.close > 0", "where listed_later.security_id is not null and prices.close > 0"),
            (
                "        on month_ends.month = securities.month and prices.security_id = securities.security_id\n",
                (
                    "        on month_ends.month = securities.month and prices.security_id = securities.security_id\n"
                    f"    left join (select distinct security_id from {_LAKE} where month > '{{{{ var(\"month_end\") }}}}') as listed_later\n"
                    "        on prices.security_id = listed_later.security_id\n"
                ),
            ),
        ],
    },
    "statements of the coming weeks": {
        "staging/stg_fundamentals": [
            ("{{ within_months(90) }}", "true"),
            ("    known_at,\n", "    known_at - interval 30 day as known_at,\n"),
        ],
    },
    "the newest forecasts": {
        "staging/stg_announcements": [
            ("{{ within_months(60) }}", "true"),
            ("    known_at,\n", "    known_at - interval 40 day as known_at,\n"),
        ],
        "intermediate/int_surprise_announced": [("announcements.{{ within_months(7) }}", "true")],
    },
}
HONEST = {"factors/factor_price_level": [("ln(close) as log_price", "ln(close) + 1 as log_price")]}


def project_with(edits, folder):
    """A copy of the project with these edits; each must find its text."""
    copy = Path(shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("target", "logs")))
    for model, changes in edits.items():
        path = copy / "models" / f"{model}.sql"
        text = path.read_text()
        for old, new in changes:
            assert old in text, (model, old)
            text = text.replace(old, new)
        path.write_text(text)
    return copy


def build_with(project, home, month):
    """Decide a month of a home with another project, and publish."""
    lake, dbt = Warehouse(home), DbtInside()
    lake.ledger.forget_stations()
    rebuild(
        lake,
        history=[month],
        months=[month],
        until="portfolio",
        build=lambda one, months: build_factors(one, months, project=project, dbt=dbt),
    )
    lake.publish()
