"""The bank that is measured: its configuration file, and a month that is already a fifth full."""

import random
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select
from sqlalchemy.engine import make_url

from presence.booking import store
from presence.booking.model import CELL
from presence.storage.database import sqlite_writer_engine
from presence.storage.migrate import migrate
from presence.storage.tables import adviser, adviser_cell, appointment, appointment_adviser, busy_interval, customer

KEY = "pk_the-key-of-the-measurements"
AUTH = {"Authorization": f"Bearer {KEY}"}
WEEK = ("mon", "tue", "wed", "thu", "fri")
EVERY_DAY = (*WEEK, "sat", "sun")
DAY = 86_400


def adviser_entry(number: int, **changes: Any) -> dict[str, Any]:
    """An adviser of the configuration; hours differ from one to the next."""
    opens, closes = 8 + number % 4, 17 + number % 5
    return {
        "slug": f"adviser-{number}",
        "name": f"Adviser {number}",
        "email": f"adviser-{number}@bank.example",
        "languages": [("en", "fr"), ("fr",), ("fr", "en")][number % 3],
        "hours": dict.fromkeys(WEEK, (f"{opens:02}:00-12:30", f"13:30-{closes}:00")),
        "teams": ["advice"],
        **changes,
    }


def service_entry(slug: str = "talk", **changes: Any) -> dict[str, Any]:
    """A service of the configuration: half an hour on a grid of 15 minutes, 30 days ahead."""
    return {"slug": slug, "name": {"en": "A talk", "fr": "Un entretien"}, "pool": {"team": "advice"}, **changes}


def somebody(number: int, name: str = "carol") -> dict[str, Any]:
    """Who books: somebody else for every number."""
    return {
        "name": f"{name.capitalize()} {number}",
        "email": f"{name}-{number}@example.org",
        "language": ("fr", "en")[number % 2],
        "zone": "Europe/Paris",
    }


def write_configuration(
    file: Path,
    *,
    port: int,
    database: str,
    smtp_port: int,
    advisers: list[dict[str, Any]],
    services: list[dict[str, Any]],
    calls: dict[str, Any] | None = None,
    **organisation: Any,
) -> None:
    """A configuration as an operator would write it, but without rate limits: one client plays all customers."""
    sections: dict[str, dict[str, Any]] = {
        "server": {"port": port, "base_url": f"http://localhost:{port}", "secret_key": "k" * 40},
        "database": {"url": database},
        "organisation": {"name": "Banque Lumière", "holidays": "FR", **organisation},
        "chat": {"files": str(file.with_suffix(".files"))},
        "log": {"level": "warning"},
        "mail": {"host": "127.0.0.1", "port": smtp_port, "sender": "rendezvous@bank.example"},
        "limits": dict.fromkeys(
            ("sign_in_per_minute", "holds_per_minute", "bookings_per_minute", "api_per_minute", "calls_per_minute"), 0
        ),
        "calls": calls or {},
    }
    lines = [f"[{name}]\n{_pairs(values, chr(10))}\n" for name, values in sections.items()]
    site = {"slug": "bench", "name": "The load", "key": KEY}
    for table, entries in (("advisers", advisers), ("services", services), ("sites", [site])):
        lines += [f"[[{table}]]\n{_pairs(entry, chr(10))}\n" for entry in entries]
    file.write_text("\n".join(lines))


def _pairs(values: dict[str, Any], between: str) -> str:
    return between.join(f"{key} = {_toml(value)}" for key, value in values.items())


def _toml(value: Any) -> str:
    """A value as TOML; its strings, numbers and booleans are JSON's."""
    if isinstance(value, dict):
        return "{ " + _pairs(value, ", ") + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return msgspec.json.encode(value).decode()


def fill(url: str, now: int, days: int, a_day: int = 3) -> int:
    """Give every adviser some appointments a working day, as rows; returns how many. The server must not run."""
    migrate(url)
    chance = random.Random(1)
    engine = sqlite_writer_engine(make_url(url))
    with engine.begin() as connection:
        made = _fill(connection, now, days, a_day, chance)
    engine.dispose()
    return made


def _fill(connection: Connection, now: int, days: int, a_day: int, chance: random.Random) -> int:
    person = {"email": "carol@example.org", "name": "Carol", "language": "fr", "zone": "Europe/Paris"}
    who = connection.execute(insert(customer).values(**person, created_at=now).returning(customer.c.id)).scalar_one()
    service_id = store.services(connection)[0].id
    version = store.raise_clock(connection).version
    rows: dict[Any, list[dict[str, Any]]] = {
        table: [] for table in (appointment, appointment_adviser, busy_interval, adviser_cell)
    }
    number = 0
    for adviser_id in connection.execute(select(adviser.c.id)).scalars().all():
        for day in range(1, days + 1):
            for hour in chance.sample((9, 10, 11, 14, 15, 16), a_day):
                number += 1
                start = (now // DAY + day) * DAY + hour * 3600 - 7200
                first = start // CELL
                rows[appointment].append(
                    {
                        **person,
                        "id": number,
                        "uid": f"{number}@bench",
                        "fingerprint": f"f{number}",
                        "link_key": "1",
                        "request_key": f"fill:{number}",
                        "service_id": service_id,
                        "customer_id": who,
                        "state": "confirmed",
                        "sequence": 0,
                        "starts_at": start,
                        "ends_at": start + 1800,
                        "medium": "video",
                        "answers": "{}",
                        "created_at": now - DAY,
                        "updated_at": now - DAY,
                    }
                )
                rows[appointment_adviser].append(
                    {
                        "appointment_id": number,
                        "adviser_id": adviser_id,
                        "starts_at": start,
                        "booked_at": now - DAY,
                    }
                )
                rows[busy_interval].append(
                    {
                        "id": number,
                        "adviser_id": adviser_id,
                        "first_cell": first,
                        "end_cell": first + 6,
                        "starts_at": start,
                        "appointment_id": number,
                    }
                )
                rows[adviser_cell] += [
                    {"adviser_id": adviser_id, "cell": cell, "busy_id": number} for cell in range(first, first + 6)
                ]
        store.touch(connection, [adviser_id], version)
    for table, values in rows.items():
        connection.execute(insert(table), values)
    return number
