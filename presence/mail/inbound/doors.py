"""The doors that a configuration opens: LMTP, SMTP, a mailbox; several at once if need be."""

import ssl

from presence.config import InboundConfig
from presence.errors import ConfigError
from presence.mail.inbound.addresses import Addresses
from presence.mail.inbound.imap import ImapDoor
from presence.mail.inbound.imap_session import Account
from presence.mail.inbound.listener import Listener, Protocol
from presence.mail.inbound.model import Deliver, Knows


class Doors:
    """Opens what is configured and hands every mail to `deliver`, which commits it."""

    def __init__(self, config: InboundConfig, deliver: Deliver | None = None, knows: Knows | None = None) -> None:
        self._config = config
        self._listeners: list[tuple[Listener, str]] = []
        self._mailbox: ImapDoor | None = None
        if not config.open or deliver is None or knows is None:
            return
        addresses = addresses_of(config)
        listens: tuple[tuple[Protocol, str], ...] = (("lmtp", config.lmtp_listen), ("smtp", config.smtp_listen))
        for protocol, address in listens:
            if address:
                listener = Listener(
                    protocol,
                    deliver,
                    knows,
                    hostname=addresses.domain,
                    max_bytes=config.max_bytes,
                    starttls=_certificate(config),
                )
                self._listeners.append((listener, address))
        if config.imap_host:
            self._mailbox = ImapDoor(_account(config), deliver, addresses.ours, max_bytes=config.max_bytes)

    async def open(self) -> None:
        """Listen. Raises `OSError` when an address cannot be listened at."""
        try:
            for listener, address in self._listeners:
                await listener.listen(address)
        except OSError:
            await self.close()
            raise

    async def run(self) -> None:
        """Look after the mailbox, if there is one, until stopped."""
        if self._mailbox is not None:
            await self._mailbox.run()

    async def close(self) -> None:
        """Hang up on those who bring mail; what was not answered comes again."""
        for listener, _ in self._listeners:
            await listener.close()

    def stop(self) -> None:
        """Fetch nothing more."""
        if self._mailbox is not None:
            self._mailbox.stop()


def addresses_of(config: InboundConfig) -> Addresses:
    """The addresses that mail comes in by. Raises `ConfigError`."""
    try:
        return Addresses(config.reply_address, config.bounce_address)
    except ValueError as error:
        raise ConfigError(f"mail.inbound: reply_address, bounce_address: {error}") from None


def _certificate(config: InboundConfig) -> ssl.SSLContext | None:
    if not config.tls_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config.tls_certificate, config.tls_key or None)
    return context


def _account(config: InboundConfig) -> Account:
    return Account(
        host=config.imap_host,
        port=config.imap_port,
        tls=config.imap_tls,
        username=config.imap_username,
        password=config.imap_password,
        folder=config.imap_folder,
    )
