"""Two processes without a bus between them do not share a database."""

import pytest
from sqlalchemy.engine import make_url

from presence.errors import ConfigError
from presence.storage.tenancy import tenancy


@pytest.mark.parametrize(("first", "second"), [(False, False), (False, True), (True, False)])
async def test_a_process_without_a_bus_is_alone(database_url: str, first: bool, second: bool) -> None:
    url = make_url(database_url)
    async with tenancy(url, shared=first):
        with pytest.raises(ConfigError, match="redis_url"):
            async with tenancy(url, shared=second):
                pass
    async with tenancy(url, shared=second):
        pass


async def test_processes_with_a_bus_share(database_url: str) -> None:
    url = make_url(database_url)
    async with tenancy(url, shared=True), tenancy(url, shared=True):
        pass
