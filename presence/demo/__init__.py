"""The demo: everything on one machine, in one process, with nothing else to start."""

from presence.demo.people import PASSWORD
from presence.demo.running import run
from presence.demo.samples import lay_out
from presence.demo.settings import configuration

__all__ = ["PASSWORD", "configuration", "lay_out", "run"]
