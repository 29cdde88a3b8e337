"""The page's view of the DNS sandbox: what each server and cache holds, and the visitor's edits."""

import json
from pathlib import Path
from typing import Any

import idna
import structlog

from bot.dns.sandbox import Sandbox, UnknownZone
from bot.domain.mx import MxSet
from bot.workspace.keeping import write

Json = dict[str, Any]
log = structlog.get_logger(__name__)


def _records(mx: MxSet) -> list[Json]:
    return [{"preference": r.preference, "exchange": r.exchange.rstrip(".") or "."} for r in sorted(mx)]


def _unicode(domain: str) -> str:
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain


class DnsPanel:
    """`file` keeps the edits over a restart; without it they end with the process."""

    def __init__(self, sandbox: Sandbox, file: Path | None = None) -> None:
        self._sandbox = sandbox
        self._file = file
        if file is not None and file.exists():
            try:
                self._sandbox.load(json.loads(file.read_text(encoding="utf-8")))
            except (ValueError, KeyError, TypeError):
                log.exception("sandbox_not_restored", path=str(file))

    def show(self) -> Json:
        """Every example domain, and what the sampled caches hold of it."""
        caches: dict[str, list[Json]] = {}
        zones = []
        for zone in self._sandbox.zones():
            for address, mx, left in self._sandbox.held(zone.domain):
                held = caches.setdefault(address, [])
                if left:
                    held.append({"domain": zone.domain, "mx": _records(mx), "left": left})
            zones.append(
                {
                    "domain": zone.domain,
                    "unicode": _unicode(zone.domain),
                    "mx": _records(zone.mx),
                    "ttl": zone.ttl,
                    "fixed_ttl": zone.fixed_ttl,
                    "note": dict(zone.note),
                    "slow": list(zone.slow),
                    "servers": [
                        {
                            "host": server.host,
                            "mx": _records(server.mx),
                            "ttl": server.ttl,
                            "serial": server.serial,
                            "lagging": server.lagging,
                            "fault": server.fault.value if server.fault else None,
                        }
                        for server in zone.servers
                    ],
                }
            )
        shown = [{"address": address, "held": held} for address, held in caches.items()]
        return {"ok": True, "zones": zones, "caches": shown}

    def edit(self, body: Json) -> None:
        """One of set_mx, fault, catch_up, flush. Raises ValueError for what DNS does not allow,
        KeyError for a domain or server that is not there.
        """
        deed = body["do"]
        if deed == "set_mx":
            self._set_mx(body)
        elif deed == "fault":
            self._sandbox.set_fault(str(body["server"]), body.get("fault") or None)
        elif deed == "catch_up":
            self._sandbox.catch_up(str(body["domain"]))
        elif deed == "flush":
            self._sandbox.flush_cache()
        else:
            raise ValueError(f"unknown: {deed}")
        if self._file is not None:
            write(self._file, self._sandbox.to_dict())

    def _set_mx(self, body: Json) -> None:
        domain = str(body["domain"])
        zone = self._sandbox.zone(domain)
        records = [(int(preference), str(exchange)) for preference, exchange in body["mx"]]
        ttl = int(body["ttl"]) if body.get("ttl") is not None else None
        if zone.fixed_ttl and ttl not in (None, zone.ttl):
            raise ValueError("this DNS service does not let anybody change the TTL")
        servers = body.get("servers")
        self._sandbox.set_mx(domain, records, ttl, servers=servers)


__all__ = ["DnsPanel", "UnknownZone"]
