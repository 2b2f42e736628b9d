"""The HTTP API of booking, version 1: its operations, their shapes, and the OpenAPI document made from them."""

from presence.booking.api.routes import routes

__all__ = ["routes"]
