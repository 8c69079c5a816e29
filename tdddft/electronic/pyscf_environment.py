"""Which configuration file PySCF runs when it is imported: never one that merely lies in the working folder."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

CONFIGURATION = "PYSCF_CONFIG_FILE"
SETTINGS = Path(__file__).with_name("pyscf_settings.py")


def set_pyscf_environment(environment: MutableMapping[str, str] = os.environ) -> None:
    """Name our own configuration file to PySCF, unless the user's environment names one that exists.

    Left alone, PySCF runs ``.pyscf_conf.py`` of the working folder, also where ``PYSCF_CONFIG_FILE`` names a file that
    is not there, and else that of the home folder. It does so when it is first imported; this must come before.

    Args:
        environment: Variables of this process and of those that it starts.
    """
    if not os.path.isfile(environment.get(CONFIGURATION, "")):
        environment[CONFIGURATION] = str(SETTINGS)
