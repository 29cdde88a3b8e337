"""Each leaf of the FAQ, reached as people reach it: a question in Slack, the evidence steered by the DNS
sandbox and by where the cutover stands, buttons clicked where the bot asks. What is read is what Slack shows.
"""

import html
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from string import Formatter
from typing import Any

import pytest

from bot.content.faq_loader import load_tree
from bot.domain.faq import Leaf
from bot.workspace.person import CUTOVER, NotSeen, Person, texts
from tests.flow.conftest import House
from tests.flow.test_whole_cutover import DAY, NEW, open_cutover, said

TREE = load_tree()
LEAVES = sorted(node.id for node in TREE.nodes.values() if isinstance(node, Leaf))
OLD = [(10, "mail.old-provider.example")]
MENTION = "<@U0LOCALBOT> "


@dataclass(frozen=True)
class Way:
    """How a leaf is reached: the question, then the buttons by their values, `node=answer` or `entry=…`."""

    leaf: str
    question: str
    clicks: tuple[str, ...] = ()
    shows: str = ""  # a piece of the evidence that has to be shown


def way(leaf: str, question: str, *clicks: str, shows: str = "") -> Way:
    entry = leaf.partition("/")[0]
    full = tuple(
        click if "/" in click or click.startswith("entry=") else f"{entry}/{click}" for click in clicks
    )
    return Way(leaf, question, full, shows)


# --- what a leaf looks like ---------------------------------------------------------------------------


@lru_cache(maxsize=1)
def patterns() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    """By leaf: its four parts in order as Slack shows them, in either language, whatever was filled in."""
    found = {}
    for name in LEAVES:
        leaf = TREE.nodes[name]
        assert isinstance(leaf, Leaf)
        found[name] = tuple(
            re.compile(".*".join(_pattern(text[lang]) for text in leaf.texts), re.DOTALL)
            for lang in ("ja", "en")
        )
    return found


def _pattern(template: str) -> str:
    pieces = (
        "".join((re.escape(words), ".+?" if name else ""))
        for words, name, _, _ in Formatter().parse(template.strip())
    )
    return "".join(pieces)


def leaves_in(message: Mapping[str, Any]) -> set[str]:
    """The leaves that a message shows."""
    shown = html.unescape(texts(message["blocks"]))
    return {name for name, langs in patterns().items() if any(p.search(shown) for p in langs)}


def actions(message: Mapping[str, Any]) -> dict[str, str]:
    """The action ids of an answer's buttons, by what each gives."""
    return {
        str(json.loads(element.get("value") or "{}").get("v") or element["action_id"]): element["action_id"]
        for block in message.get("blocks", [])
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"].startswith("faq")
    }


# --- how it is asked ----------------------------------------------------------------------------------


class Desk:
    """One conversation with the bot, in a DM, by mentions in a channel, or in a cutover's thread."""

    def __init__(self, person: Person, channel: str, thread: str | None, mention: bool) -> None:
        self._person = person
        self._channel = channel
        self._thread = thread
        self._mention = mention

    @classmethod
    async def dm(cls, person: Person) -> "Desk":
        return cls(person, await person.dm_channel(), None, mention=False)

    async def reach(self, wanted: Way) -> str | None:
        """What is wrong with the way; None where it led to its leaf."""
        try:
            return await self._reach(wanted)
        except NotSeen as error:
            return f"{wanted.leaf}: {str(error)[:80]}"

    async def _reach(self, wanted: Way) -> str | None:
        before = await self._said()
        words = MENTION + wanted.question if self._mention else wanted.question
        await self._person.say(words, self._channel, self._thread)
        answer = await self._next(before)
        for click in wanted.clicks:
            action = actions(answer).get(click)
            if action is None:
                return f"{wanted.leaf}: no button {click} under {texts(answer['blocks'])[:300]}"
            before = await self._said()
            await self._person.click(answer, action)
            answer = await self._next(before)
        shown = leaves_in(answer)
        if wanted.leaf not in shown:
            return f"{wanted.leaf}: shows {shown or texts(answer['blocks'])[:400]}"
        if len(shown) > 1:
            return f"{wanted.leaf}: looks like {shown} too"
        if wanted.shows not in texts(answer["blocks"]):
            return f"{wanted.leaf}: without {wanted.shows}: {texts(answer['blocks'])[:400]}"
        return None

    async def _said(self) -> dict[str, Mapping[str, Any]]:
        found = (await self._person.state())["messages"]
        here = (m for m in found if m["channel"] == self._channel and m["user"] != self._person.user)
        # The watch and the reminders speak in the same thread: an answer is known by its buttons.
        return {f"{m['ts']} {texts(m['blocks'])}": m for m in here if actions(m)}

    async def _next(self, before: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        found = await self._person.wait_for(self._said, lambda now: bool(now.keys() - before.keys()))
        return [m for key, m in found.items() if key not in before][-1]


async def _all(desk: Desk, ways: tuple[Way, ...]) -> list[str]:
    return [trouble for wanted in ways if (trouble := await desk.reach(wanted))]


# --- nothing is known: a person has to be asked ----------------------------------------------------------

BY_DM = (
    way("admin-menu-missing/no_button", "管理者画面に切替が出ない", "ask=no_button"),
    way("admin-menu-missing/no_login", "adminでログインできない", "ask=no_login"),
    way("cannot-change-ttl/leave_it", "TTLを変更できません"),
    way("carrier-not-receiving/carrier_spf", "携帯あてのメールだけ届かないんですが"),
    way("delivery-delay/elsewhere", "メールの到着が遅い", "ask=late_before"),
    way("delivery-delay/in_log", "mail is delayed", "ask=late_in_log"),
    way("delivery-server-not-listed/leave_it", "配送先設定のプルダウンに候補が表示されません", "ask=none"),
    way("delivery-server-not-listed/only_old", "配送先のプルダウンに候補がない", "ask=only_old"),
    way("dns-host/how", "DNSをどこで管理しているか分かりません"),
    way("duplicate-mail/forward", "同じメールが2通届きます", "ask=old_and_new"),
    way("duplicate-mail/same", "receiving everything twice", "ask=same_box"),
    way("false-positive/mailgates", "正常なメールがスパム判定されます", "ask=mailgates"),
    way("false-positive/service", "切替後から誤判定が多い", "ask=service"),
    way("how-to-check-ttl/how", "TTLの調べ方は"),
    way("is-cutover-needed/ask_sales", "このプランはMX切替の対象ですか", "ask_product=not_sure"),
    way("is-cutover-needed/not_needed", "does the Basic plan need the MX switch?", "ask_product=suite_not"),
    way("log-missing/admin_view", "送受信ログが空です", "ask_source=outside", "ask_view=user"),
    way("log-missing/internal", "テストメールを送ったのにログに出ない", "ask_source=inside"),
    way(
        "log-missing/lag", "test mail arrived but no entry in the log",
        "ask_source=outside", "ask_view=admin",
    ),
    way("mail-loop/destination", "too many hops で返ってきます", "ask=yes_it_does"),
    way("mail-loop/service", "メールがループしています", "ask=no_it_is_right"),
    way("partly-on-old-service/general", "一部のメールだけ旧サーバーに届きます"),
    way("restore-ttl/general", "TTLを元の値に戻す時期は"),
)  # fmt: skip
BY_MENTION = (
    way("admin-menu-missing/no_menu", "no Mail Security tab in the admin screen", "ask=no_menu"),
    way("admin-menu-missing/no_rule", "許可条件リストに自ドメイン許可設定が見つかりません", "ask=no_rule"),
    way("delivery-server-not-listed/which", "which one: with user-existence check?", "ask=several"),
    way(
        "no-mail-from-outside/delivery_open", "外部からのメールを受信できなくなりました",
        "ask_bounce=nothing", "ask_log=delivered",
    ),
    way(
        "no-mail-from-outside/mx_recheck", "外からメールが届きません",
        "ask_bounce=not_sure", "ask_log=none",
    ),
    way("no-mail-from-outside/mx_wrong", "outside mail never arrives", "ask_bounce=host"),
    way("old-provider-senders-only/internal_general", "前のプロバイダの利用者からのメールだけ届かない"),
    way("rollback/general", "元のMXに戻したい"),
    way("some-recipients-unknown/register", "550 5.1.1 が一部の宛先だけ返ってきます", "ask=person"),
    way("some-recipients-unknown/shared", "メーリングリスト宛だけ届かない", "ask=shared"),
    way("spam-before-cutover/before", "切替前なのにスパム判定されることがありますか"),
    way(
        "spam-not-judged/own_rules", "外部からのメールが一通もスパム判定されません",
        "ask_rule=removed", "ask_log=logged",
    ),
    way(
        "spam-not-judged/bypass", "nothing gets flagged as spam after the switch",
        "ask_rule=removed", "ask_log=not_logged",
    ),
    way("spf-record/incoming", "SPFがfailになります", "ask_side=incoming"),
    way("spf-record/outgoing", "SPF fails for mail we send", "ask_side=outgoing"),
    way("spam-not-judged/rule_left", "スパムフィルタが効いていません", "ask_rule=left"),
    way(
        "still-on-old-service/mx_or_cache", "外部からのメールがすべて旧メールサービスに届きます",
        "ask_log=not_logged",
    ),
    way("support-hours/hours", "サポートの受付時間は", shows="受付時間内"),
    way("tenant-rejects/after", "メールサービスに550 5.7.51で拒否されます", "ask=all_after"),
    way("tenant-rejects/devices", "複合機からのメールが550 5.7.68で拒否される", "ask=devices"),
    way("tenant-rejects/too_early", "受信コネクタを設定したら全部弾かれた", "ask=all_before"),
    way("when-to-cut/general", "should we do the cutover on a weekend?"),
    way("which-mx-host/value", "mgfとmgpどちらを設定すればいいですか"),
    way("why-lower-ttl/why", "TTLを下げる目的を教えてください"),
    way("zip-virus-check/held", "パスワード付きZIPのメールに警告が出ます", "ask=held"),
    way("zip-virus-check/where", "暗号化ZIPの設定はどこですか", "ask=where"),
)  # fmt: skip


async def nothing_known(house: House) -> list[str]:
    desk = await Desk.dm(house.hanako)
    return await _all(desk, BY_DM)


async def nothing_known_in_a_channel(house: House) -> list[str]:
    return await _all(Desk(house.hanako, CUTOVER, None, mention=True), BY_MENTION)


# --- a domain is named: DNS is looked at first ------------------------------------------------------------

NAMED = (
    way("why-lower-ttl/already", "example.com のTTLを下げる目的は何ですか", shows="300秒"),
    way("cannot-change-ttl/no_need", "we can't change the TTL of example.com", shows="300 s"),
    way("carrier-not-receiving/carrier", "example.co.jp から携帯キャリアだけに届かない", shows="DMARC"),
    way("cannot-change-ttl/fixed", "example.jp のTTLを変更できません", shows="3600秒固定"),
    way("cannot-change-ttl/changeable", "example.co.jp のTTLを変更できません", shows="レコードごと"),
    way(
        "carrier-not-receiving/carrier_dmarc",
        "example.com から携帯キャリアだけに届かない",
        shows="quarantine",
    ),
    way("spf-record/mx_mechanism", "example.jp のSPFレコードはこのままでいいですか", shows="mx"),
    way("spf-record/absent", "SPF fails for lame.example.net", shows="no SPF record"),
    way("dns-host/unnamed", "mixed.example.net のDNSはどこで管理されていますか", shows="01.dnsv.jp"),
)
_SPF_QUESTION = "example.com のSPFが失敗します"
SPF = (
    (way("spf-record/multiple", _SPF_QUESTION, shows="2つ"), ["v=spf1 ip4:192.0.2.1 -all", "v=spf1 a -all"]),
    (
        way("spf-record/lookups", _SPF_QUESTION, shows="上限10回"),
        ["v=spf1 " + " ".join(f"a:h{n}.example.com" for n in range(12)) + " -all"],
    ),
    (way("spf-record/syntax", _SPF_QUESTION, shows="誤り"), ["v=spf1 ipv4:192.0.2.1 -all"]),
)


async def a_domain_named(house: House) -> list[str]:
    desk = await Desk.dm(house.hanako)
    troubles = await _all(desk, NAMED)
    for wanted, records in SPF:
        house.sandbox.set_txt("example.com", "", records)
        troubles += await _all(desk, (wanted,))
    return troubles


# --- mail is pasted ----------------------------------------------------------------------------------------

_GMAIL = "Received: from mail-a.google.example by mgf.cybermail.jp; Tue, 1 Dec 2026 09:00:00 +0900\n"
PASTED = (
    way(
        "log-missing/direct",
        "Received: from mail-a.google.example by mx.store.example; Tue, 1 Dec 2026 09:00:05 +0900\n",
    ),
    way(
        "delivery-delay/waited",
        "Received: from mgf.cybermail.jp by mx.store.example; Tue, 1 Dec 2026 11:00:00 +0900\n" + _GMAIL,
        shows="mx.store.example",
    ),
    way(
        "delivery-delay/after",
        "Received: from mgf.cybermail.jp by mx.store.example; Tue, 1 Dec 2026 09:00:04 +0900\n" + _GMAIL,
        "entry=delivery-delay",
    ),
)
THROUGH_THE_OLD_SERVICE = way(
    "delivery-delay/old",
    "Received: from mail.old-provider.example by mx.store.example; Tue, 1 Dec 2026 11:00:00 +0900\n"
    "Received: from mail-a.google.example by mail.old-provider.example; Tue, 1 Dec 2026 09:00:00 +0900\n",
    "entry=delivery-delay",
    shows="旧メールサービスを通っています",
)


async def mail_pasted(house: House) -> list[str]:
    troubles = await _all(await Desk.dm(house.hanako), PASTED)
    root = await open_cutover(house)  # what the old service is, is known by the cutover
    thread = Desk(house.hanako, CUTOVER, str(root["ts"]), mention=False)
    return [*troubles, *await _all(thread, (THROUGH_THE_OLD_SERVICE,))]


# --- in a cutover's thread ---------------------------------------------------------------------------------

OUTSIDE = "外部からのメールが届きません"
ALL_OLD = "外部からのメールがすべて旧メールサービスに届きます"
PARTLY = "一部のメールだけ旧サーバーに届きます"
RESTORE = "TTLはいつ元に戻せばいいですか？"

BEFORE = (
    way("no-mail-from-outside/before", OUTSIDE, shows="12月19日"),
    way("still-on-old-service/not_yet", ALL_OLD, shows="10 mail.old-provider.example."),
    way("log-missing/not_through", "テストメールが送受信ログに表示されません", shows="01.dnsv.jp"),
    way("old-provider-senders-only/internal", "旧メールサービスの利用者からのメールだけ届きません"),
    way("how-to-check-ttl/seen", "TTLの確認方法を教えてください", shows="3600秒"),
    way("dns-host/known", "DNSはどこで管理していますか？", shows="お名前.com"),
    way("when-to-cut/planned", "切替はいつ行うのがよいですか？", shows="12月19日"),
    way("is-cutover-needed/needed", "この契約プランでMX切替は必要ですか？", shows="対象"),
    way("rollback/ahead", "切り戻しの手順を教えてください。どうすれば元に戻せますか？"),
    way("spam-not-judged/not_yet", "外部からのメールが一通もスパム判定されません", shows="12月19日"),
)


async def a_cutover_ahead(house: House) -> list[str]:
    root = await open_cutover(house)
    return await _all(Desk(house.hanako, CUTOVER, str(root["ts"]), mention=False), BEFORE)


NOT_CHANGED = (
    way("no-mail-from-outside/caches_old", OUTSIDE, shows="10 mail.old-provider.example."),
    way("still-on-old-service/not_changed", ALL_OLD, shows="✗"),
)
CHANGED_WRONGLY: tuple[tuple[Way, dict[str, Any]], ...] = (
    (way("no-mail-from-outside/mx_leftover", OUTSIDE, shows="別のMX"), {"records": NEW + OLD}),
    (
        way("no-mail-from-outside/mx_partial", OUTSIDE, shows="（02.dnsv.jp、"),
        {"records": NEW, "servers": ["01.dnsv.jp"]},
    ),
    (way("no-mail-from-outside/mx_absent", OUTSIDE, shows="01.dnsv.jp"), {"records": []}),
)


async def the_day(house: House) -> list[str]:
    root = await open_cutover(house)
    thread = Desk(house.hanako, CUTOVER, str(root["ts"]), mention=False)
    await house.go_to(DAY + timedelta(seconds=5))
    await said(house, root, "手順1：MXを変更してください")
    troubles = await _all(thread, NOT_CHANGED)
    for wanted, zone in CHANGED_WRONGLY:
        house.sandbox.set_mx("example.co.jp", **zone)
        troubles += await _all(thread, (wanted,))
        house.sandbox.set_mx("example.co.jp", OLD)
    return troubles


WHILE_CACHES_TURN = (
    way("still-on-old-service/wait", ALL_OLD, shows="✓ MX"),
    way("delivery-delay/turning", "切替後からメールの到着が遅いです"),
    way("partly-on-old-service/until", PARTLY),
    way("which-mx-host/right", "MXはmgfとmgpどちらを設定すればいいですか？", shows="通知書どおり"),
    way("spam-before-cutover/after", "切替前でもスパム判定されることはありますか？"),
    way("restore-ttl/wait", RESTORE),
    way("rollback/lines", "切り戻しの手順を教えてください。どうすれば元に戻せますか？"),
)
WHEN_SAFE = (
    way("partly-on-old-service/late", PARTLY, shows="✓ TTL"),
    way("still-on-old-service/delivery_left", ALL_OLD, shows="手順4"),
    way("no-mail-from-outside/not_reached", OUTSIDE, "ask_log=none", shows="✓ TTL"),
)
WHEN_SWITCHED = (
    way("still-on-old-service/delivery_done", ALL_OLD, shows="✓ チェックリスト"),
    way("no-mail-from-outside/at_mail_service", OUTSIDE, "ask_log=delivered", shows="✓ チェックリスト"),
)
WHEN_STABLE = (way("restore-ttl/due", RESTORE, shows="3600秒"),)
AT_THE_END = (way("restore-ttl/done", RESTORE, shows="✓"),)


async def after_the_change(house: House) -> list[str]:
    root = await open_cutover(house)
    ts = str(root["ts"])
    thread = Desk(house.hanako, CUTOVER, ts, mention=False)
    house.sandbox.set_ttl("example.co.jp", 300)
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.co.jp", NEW)
    await house.hanako.say("変更しました", CUTOVER, ts)
    await said(house, root, "すべての権威サーバーでMXが切り替わりました")
    troubles = await _all(thread, WHILE_CACHES_TURN)
    await house.go(minutes=6)
    await said(house, root, "を過ぎました")
    troubles += await _all(thread, WHEN_SAFE)
    await house.hanako.say("手順3と4 完了", CUTOVER, ts)
    await said(house, root, "手順4 メール配送先」を完了")
    troubles += await _all(thread, WHEN_SWITCHED)
    await house.go(days=11)
    await said(house, root, "切替から10日が経ちました")
    troubles += await _all(thread, WHEN_STABLE)
    house.sandbox.set_ttl("example.co.jp", 3600)
    await house.hanako.say("戻しました", CUTOVER, ts)
    await said(house, root, "MX切替は完了です")
    return troubles + await _all(thread, AT_THE_END)


POLICY_LEFT = (way("no-mail-from-outside/mta_sts_excludes", OUTSIDE, shows="MTA-STS"),)


async def a_policy_left_behind(house: House) -> list[str]:
    root = await open_cutover(house, "example.org")
    house.sandbox.set_ttl("example.org", 300)
    await house.go_to(DAY + timedelta(seconds=5))
    house.sandbox.set_mx("example.org", NEW)
    return await _all(Desk(house.hanako, CUTOVER, str(root["ts"]), mention=False), POLICY_LEFT)


SITUATIONS: Mapping[Callable[[House], Awaitable[list[str]]], tuple[Way, ...]] = {
    nothing_known: BY_DM,
    nothing_known_in_a_channel: BY_MENTION,
    a_domain_named: (*NAMED, *(wanted for wanted, _ in SPF)),
    mail_pasted: (*PASTED, THROUGH_THE_OLD_SERVICE),
    a_cutover_ahead: BEFORE,
    a_policy_left_behind: POLICY_LEFT,
    the_day: (*NOT_CHANGED, *(wanted for wanted, _ in CHANGED_WRONGLY)),
    after_the_change: (
        *WHILE_CACHES_TURN, *WHEN_SAFE, *WHEN_SWITCHED, *WHEN_STABLE, *AT_THE_END
    ),
}  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
async def test_each_leaf_is_reached_through_slack(
    house: House, situation: Callable[[House], Awaitable[list[str]]]
) -> None:
    assert await situation(house) == []


def test_no_leaf_is_left_out() -> None:
    assert sorted({wanted.leaf for ways in SITUATIONS.values() for wanted in ways}) == LEAVES
