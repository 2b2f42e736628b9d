"""What is configured is opened, and closed again."""

import asyncio
from typing import Any

import pytest

from bench.ports import free_port
from presence.config import InboundConfig
from presence.errors import ConfigError
from presence.mail.inbound.doors import Doors
from tests.mail.inbound.cast import Keeper, raw_mail
from tests.mail.inbound.test_listener import dialogue

ADDRESSES = {"reply_address": "reply+{token}@bank.example", "bounce_address": "bounce+{token}@bank.example"}


def doors(keeper: Keeper, **values: Any) -> Doors:
    return Doors(InboundConfig(**{**ADDRESSES, **values}), keeper.deliver, keeper.knows)


async def test_lmtp_and_smtp_are_opened_together() -> None:
    keeper, lmtp, smtp = Keeper(), free_port(), free_port()
    opened = doors(keeper, lmtp_listen=f"127.0.0.1:{lmtp}", smtp_listen=f"127.0.0.1:{smtp}")
    await opened.open()
    async with dialogue(lmtp, "lmtp") as first, dialogue(smtp, "smtp") as second:
        assert (await first.brings(raw_mail()))[-1].startswith("250")
        assert (await second.brings(raw_mail()))[-1].startswith("250")
    await opened.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", lmtp)
    assert [mail.via for mail in keeper.taken] == ["lmtp", "smtp"]


async def test_without_a_door_nothing_is_needed() -> None:
    opened = Doors(InboundConfig(), Keeper().deliver, Keeper().knows)
    await opened.open()
    await opened.run()
    await opened.close()


async def test_an_address_that_is_taken_is_told() -> None:
    keeper, port = Keeper(), free_port()
    with pytest.raises(OSError, match="address already in use"):
        await doors(keeper, lmtp_listen=f"127.0.0.1:{port}", smtp_listen=f"127.0.0.1:{port}").open()


def test_a_pattern_that_makes_no_addresses_is_told() -> None:
    with pytest.raises(ConfigError, match="reply_address"):
        doors(Keeper(), lmtp_listen="127.0.0.1:0", reply_address="reply@bank.example")


async def test_a_mailbox_out_of_reach_stops_nothing() -> None:
    opened = doors(Keeper(), imap_host="127.0.0.1", imap_port=free_port(), imap_tls="none")
    running = asyncio.create_task(opened.run())
    await asyncio.sleep(0)
    opened.stop()
    await running
