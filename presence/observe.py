"""Logs and metrics. Logs are structured and name nobody: keys that could are refused here, for all who write."""

import logging
import sys
from typing import Any

import structlog
from prometheus_client import Info
from structlog.types import EventDict, Processor, WrappedLogger

from presence import __version__
from presence.config import LogConfig

PERSONAL = frozenset(
    {"email", "mail", "name", "phone", "recipient", "sender", "token", "password", "key", "address", "path", "url"}
)
_BUILD = Info("presence_build", "What is running")
_BUILD.info({"version": __version__})


def configure_logging(config: LogConfig) -> None:
    """Send the program's logs, and the server's, through one pipe to standard error."""
    level = getattr(logging, config.level.upper())
    renderer: Processor = (
        structlog.processors.JSONRenderer() if config.format == "json" else structlog.dev.ConsoleRenderer()
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_people,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_without_inner, renderer])
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def without_people(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take out what could name a person or open something."""
    for key in PERSONAL & event.keys():
        event[key] = "[withheld]"
    return event


def _without_inner(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event
