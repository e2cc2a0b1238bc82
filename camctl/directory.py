"""The city's directory past the egress guard: its name is looked up and judged for every call."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from urllib.parse import urlsplit

from auth.oidc_settings import DirectoryRefusedError
from camctl.egress import DIRECTORY, RESOLVE_TIMEOUT_S, EgressPolicy, EgressRefusedError, OwnMachine, resolve_pinned

# Of its own: when the name server is dead all of them hang, and nobody else's work may hang with them.
_RESOLVING_THREADS = 2


class DirectoryGuard:
    """Judges the addresses of one issuer (`auth.oidc_settings.Guard`). Used on one event loop; `close` it."""

    def __init__(
        self, issuer: str, networks: Sequence[str], own: OwnMachine, *, resolve_s: float = RESOLVE_TIMEOUT_S
    ) -> None:
        """`networks`: in which it may be although they are not public. `resolve_s`: how long a look-up may take."""
        self._policy = EgressPolicy.of(networks, own, DIRECTORY)
        self._schemes = frozenset({urlsplit(issuer).scheme})
        self._resolve_s = resolve_s
        self._resolving = ThreadPoolExecutor(_RESOLVING_THREADS, "directory-resolve")

    async def judge(self, url: str) -> str:
        """The address to connect to for `url`, now; DirectoryRefusedError with what an administrator can do."""
        try:
            target = await resolve_pinned(
                self._policy, url, schemes=self._schemes, timeout_s=self._resolve_s, pool=self._resolving
            )
        except EgressRefusedError as error:
            raise DirectoryRefusedError(f"The directory is not called: {error}{self._line(error)}.") from None
        if "http" in self._schemes and not ip_address(target.address).is_loopback:
            where = f"{target.host} ({target.address})"
            raise DirectoryRefusedError(
                f"The directory is not called: {where} is another machine, and its issuer is http; use https."
            )
        return target.address

    def _line(self, error: EgressRefusedError) -> str:
        """The whole line of config.yaml, where one would help."""
        if not error.to_approve:
            return ""
        networks = ", ".join(f'"{network}"' for network in (*self._policy.approved_networks, *error.to_approve))
        return f". In config.yaml, under oidc: approved_networks: [{networks}]; then start camctl again"

    def close(self) -> None:
        """Let the threads go; waits for no name server."""
        self._resolving.shutdown(wait=False, cancel_futures=True)
