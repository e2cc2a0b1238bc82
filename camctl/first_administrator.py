"""What `camctl serve` prints while there is no administrator: the set-up code, once, and both ways to become the first.

To standard output and never to the log, which is kept longer and read by more people.
"""

from __future__ import annotations

import sys

from auth.setup_code import LIFE_S, SetupCode
from camctl.config import Config
from camctl.one_time_links import service_address

_TEXT = """
  camctl has no administrator yet. To become the first one, open

    {address}/#/setup

  and enter this code. It holds for {hours} hours, for one use, and until the next start:

    {code}

  Or on this machine:

    camctl user add NAME --role admin --area {area} --name "FULL NAME"

"""


async def announce(setup: SetupCode, config: Config) -> None:
    """Make and print a code if there is no administrator; nothing happens where there is one."""
    code = await setup.make()
    if code is not None:
        sys.stdout.write(announcement(code, service_address(config), setup.areas))
        sys.stdout.flush()


def announcement(code: str, address: str, areas: tuple[str, ...]) -> str:
    """The text; `areas` are the tops of the area tree."""
    area = " --area ".join(areas)
    return _TEXT.format(code=code, address=address, hours=round(LIFE_S / 3600), area=area)
