"""The demo's configuration."""

import secrets
from pathlib import Path

from presence.config import (
    ChatConfig,
    Config,
    DatabaseConfig,
    InboundConfig,
    LimitsConfig,
    LogConfig,
    MailConfig,
    OrganisationConfig,
    ServerConfig,
)
from presence.demo.embedding.sowing import entry
from presence.demo.people import ADVISERS, SERVICES, TEAMS


def configuration(port: int, directory: Path, smtp_port: int) -> Config:
    """The demo's configuration; its secret key is kept beside its data."""
    directory.mkdir(parents=True, exist_ok=True)
    key_file = directory / "secret"
    if not key_file.exists():
        key_file.write_text(secrets.token_urlsafe(48))
    secret_key = key_file.read_text()
    return Config(
        server=ServerConfig(port=port, base_url=f"http://localhost:{port}", secret_key=secret_key, demo=True),
        database=DatabaseConfig(url=f"sqlite:///{directory / 'presence.db'}"),
        organisation=OrganisationConfig(name="Banque Lumière", phone="+33 1 23 45 67 89", holidays="FR"),
        mail=MailConfig(
            host="127.0.0.1",
            port=smtp_port,
            sender="rendezvous@demo.example",
            inbound=InboundConfig(  # what the catcher's form answers with comes in as any mail does
                reply_address="reply+{token}@demo.example",
                bounce_address="bounce+{token}@demo.example",
                smtp_listen=f"unix:{directory.resolve() / 'smtp'}",
                trusted_authserv="mail.demo.example",
            ),
        ),
        chat=ChatConfig(files=str(directory / "files")),
        limits=LimitsConfig(  # everybody is the same address here
            sign_in_per_minute=100,
            holds_per_minute=600,
            bookings_per_minute=600,
            chats_per_minute=100,
            calls_per_minute=100,
        ),
        log=LogConfig(level="warning", format="console"),
        teams=TEAMS,
        advisers=ADVISERS,
        services=SERVICES,
        sites=(entry(secret_key),),
    )
