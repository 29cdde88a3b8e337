"""Domain values to columns and back. Explicit: what is stored is read here, never guessed from a class.

In JSON a time is ISO 8601 with its offset; an Mx is [preference, exchange]; sets are sorted.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from bot.domain.cutover import (
    Cutover,
    Instants,
    MailService,
    Plan,
    Product,
    Snapshot,
    State,
    Step,
    StepState,
    StepStatus,
)
from bot.domain.mx import Mx, MxSet
from bot.domain.teams import Team
from bot.ports import Delivery, Outgoing


def time_to_json(at: datetime | None) -> str | None:
    """Raises ValueError on a naive time: nobody could say later what it meant."""
    if at is None:
        return None
    if at.utcoffset() is None:
        raise ValueError(f"a time without a zone cannot be stored: {at!r}")
    return at.isoformat()


def time_from_json(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def mx_to_json(mx: MxSet) -> list[list[Any]]:
    return [[record.preference, record.exchange] for record in sorted(mx)]


def mx_from_json(data: list[list[Any]]) -> MxSet:
    return frozenset(Mx(preference, exchange) for preference, exchange in data)


def steps_to_json(steps: Mapping[Step, StepState]) -> dict[str, Any]:
    return {
        str(step): {
            "status": str(state.status),
            "by": state.by,
            "at": time_to_json(state.at),
            "reason": state.reason,
            "verified": state.verified,
        }
        for step, state in steps.items()
    }


def steps_from_json(data: Mapping[str, Any]) -> dict[Step, StepState]:
    return {
        Step(step): StepState(
            status=StepStatus(state["status"]),
            by=state["by"],
            at=time_from_json(state["at"]),
            reason=state["reason"],
            verified=state["verified"],
        )
        for step, state in data.items()
    }


def snapshot_to_json(snapshot: Snapshot | None) -> dict[str, Any] | None:
    if snapshot is None:
        return None
    return {
        "mx": mx_to_json(snapshot.mx),
        "ttl": snapshot.ttl,
        "nameservers": list(snapshot.nameservers),
        "dns_host": snapshot.dns_host,
        "at": time_to_json(snapshot.at),
    }


def snapshot_from_json(data: Mapping[str, Any] | None) -> Snapshot | None:
    if data is None:
        return None
    return Snapshot(
        mx=mx_from_json(data["mx"]),
        ttl=data["ttl"],
        nameservers=tuple(data["nameservers"]),
        dns_host=data["dns_host"],
        at=datetime.fromisoformat(data["at"]),
    )


def instants_to_json(instants: Instants) -> dict[str, Any]:
    return {
        "t_lowered": time_to_json(instants.t_lowered),
        "safe_to_flip": time_to_json(instants.safe_to_flip),
        "t_flip": time_to_json(instants.t_flip),
        "t_safe": time_to_json(instants.t_safe),
    }


def instants_from_json(data: Mapping[str, Any]) -> Instants:
    return Instants(
        t_lowered=time_from_json(data["t_lowered"]),
        safe_to_flip=time_from_json(data["safe_to_flip"]),
        t_flip=time_from_json(data["t_flip"]),
        t_safe=time_from_json(data["t_safe"]),
    )


def team_columns(team: Team) -> dict[str, str]:
    return {"enterprise_id": team.enterprise_id, "team_id": team.team_id}


def team_of(row: RowMapping) -> Team:
    return Team(row["enterprise_id"], row["team_id"])


def cutover_columns(cutover: Cutover) -> dict[str, Any]:
    """Every column of a cutover but `seq`."""
    return {
        **team_columns(cutover.team),
        "id": cutover.id,
        "domain": cutover.domain,
        "product": str(cutover.product),
        "plan": str(cutover.plan),
        "mail_service": str(cutover.mail_service),
        "expected": mx_to_json(cutover.expected),
        "day": cutover.day,
        "owner": cutover.owner,
        "channel": cutover.channel,
        "opened_at": cutover.opened_at,
        "lang": cutover.lang,
        "tz": cutover.tz,
        "state": str(cutover.state),
        "plan_version": cutover.plan_version,
        "version": cutover.version,
        "steps": steps_to_json(cutover.steps),
        "snapshot": snapshot_to_json(cutover.snapshot),
        "instants": instants_to_json(cutover.instants),
        "asked": None if cutover.asked is None else str(cutover.asked),
        "thread_ts": cutover.thread_ts,
        "assignees": list(cutover.assignees),
        "next_look_at": cutover.next_look_at,
        "progress_ts": cutover.progress_ts,
        "alert": cutover.alert,
    }


def cutover_of(row: RowMapping) -> Cutover:
    return Cutover(
        id=row["id"],
        team=team_of(row),
        domain=row["domain"],
        product=Product(row["product"]),
        plan=Plan(row["plan"]),
        mail_service=MailService(row["mail_service"]),
        expected=mx_from_json(row["expected"]),
        day=row["day"],
        owner=row["owner"],
        channel=row["channel"],
        opened_at=row["opened_at"],
        lang=row["lang"],
        tz=row["tz"],
        state=State(row["state"]),
        plan_version=row["plan_version"],
        version=row["version"],
        steps=steps_from_json(row["steps"]),
        snapshot=snapshot_from_json(row["snapshot"]),
        instants=instants_from_json(row["instants"]),
        asked=None if row["asked"] is None else Step(row["asked"]),
        thread_ts=row["thread_ts"],
        assignees=tuple(row["assignees"]),
        next_look_at=row["next_look_at"],
        progress_ts=row["progress_ts"],
        alert=row["alert"],
    )


def outgoing_columns(message: Outgoing) -> dict[str, Any]:
    return {
        "delivery": str(message.delivery),
        "kind": message.kind,
        "args": dict(message.args),
        "lang": message.lang,
        "channel": message.channel,
        "user_id": message.user,
        "thread_ts": message.thread_ts,
        "update_ts": message.update_ts,
        "response_url": message.response_url,
        "cutover_id": message.cutover_id,
        "not_before": message.not_before,
        "key": message.key,
    }


def outgoing_of(row: RowMapping) -> Outgoing:
    return Outgoing(
        delivery=Delivery(row["delivery"]),
        kind=row["kind"],
        args=row["args"],
        lang=row["lang"],
        channel=row["channel"],
        user=row["user_id"],
        thread_ts=row["thread_ts"],
        update_ts=row["update_ts"],
        response_url=row["response_url"],
        cutover_id=row["cutover_id"],
        not_before=row["not_before"],
        key=row["key"],
    )
