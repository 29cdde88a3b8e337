"""Which steps a text names: by their number in the procedure or by what they are called."""

import re

from bot.domain.cutover import THE_DAY, Step

_NAMES: tuple[tuple[re.Pattern[str], Step], ...] = (
    (
        re.compile(r"ttl.{0,6}(?:戻|元に|復元|restor)|(?:restor|revert).{0,12}ttl|元のttl|\bb7\b"),
        Step.RESTORE_TTL,
    ),
    (
        re.compile(r"受信コネクタ|コネクタ|受信ゲートウェイ|ゲートウェイ|連携設定|connector|gateway|\bb1\b"),
        Step.CONNECTOR,
    ),
    (re.compile(r"ttl|\bb2\b"), Step.TTL),
    (
        re.compile(r"サポート|電話待機|有償|営業担当|営業(?=[にへ])|\bsupport\b|\bstandby\b|\bw3\b"),
        Step.SUPPORT,
    ),
    (
        re.compile(
            r"受信テスト|外部テスト|配送テスト|送受信ログ|受信ログ|受信確認|テストメール|テスト|外部から|"
            r"\b(?:outside|inbound|external|delivery|mail) tests?\b|\btest mails?\b|\btests?\b"
        ),
        Step.OUTSIDE_TEST,
    ),
    (re.compile(r"zip"), Step.ZIP),
    (re.compile(r"許可設定|許可条件|許可ルール|allow(?:ed)?[- ]?(?:rule|list|setting)"), Step.ALLOW_RULE),
    (re.compile(r"配送先|\bdelivery(?: (?:server|destination|setting|target)s?)?\b"), Step.DELIVERY),
    (re.compile(r"管理者画面|管理者モード|管理画面|admin|ログイン|\blog(?:ged)?[ -]?in\b"), Step.ADMIN),
    (re.compile(r"mx(?:レコード)?"), Step.MX),
)
# A list of numbers has an end: without one, 1-1-1-… would be gone over again from each of its numbers.
_NUMBER = r"(?:[1-6])(?![\d/.時分日月%秒通件回台人a-z]|:\d)"
_MORE = (
    rf"(?:\s*(?:[,、・と&+]|and|to|through|から|-|~)\s*(?:手順|ステップ|step|no\.?|#)?\s*{_NUMBER}){{0,20}}"
)
_LED = re.compile(
    rf"(?:手順|ステップ|工程|作業|steps?|no\.?|number|#)\s*({_NUMBER}{_MORE})(?:\s*番目?|つ目)?"
)
_FOLLOWED = re.compile(rf"(?<![\d:/.])({_NUMBER}{_MORE})\s*(?:番目?|つ目)")
_BARE = re.compile(
    rf"^\W*({_NUMBER}{_MORE})(?=\s*(?:[はがもをの、,:]|まで|だけ|のみ|も|番|終|完|済|ok|done|finished|complete|まだ|is\b|are\b|not\b|でき|やり|やった|$|\s))"
)
_EVERYTHING = re.compile(
    r"全部|全て|すべて|ぜんぶ|全手順|全作業|いずれも|どちらも|両方|\b(?:all(?! set)|everything|both)\b"
)
_BEYOND = re.compile(r"(?:手順|ステップ|step)\s*(?:0|[7-9]|\d{2,})")


def find_steps(text: str) -> tuple[Step, ...]:
    """The steps that `text` (made plain) names, in the order of the checklist."""
    found: set[Step] = set()
    for numbers in (*_LED.findall(text), *_FOLLOWED.findall(text), *_BARE.findall(text)):
        found.update(_numbered(numbers))
    rest = text
    for pattern, step in _NAMES:
        if pattern.search(rest):
            found.add(step)
            rest = pattern.sub(" ", rest)
    return tuple(step for step in Step if step in found)


def names_everything(text: str) -> bool:
    """Whether "all of them" is said."""
    return _EVERYTHING.search(text) is not None


def names_no_step(text: str) -> bool:
    """Whether a number is given that no step has."""
    return _BEYOND.search(text) is not None


def _numbered(text: str) -> set[Step]:
    """`3と4`, `1-3`: the numbers of the day's steps."""
    span = re.search(r"([1-6])\s*(?:から|-|~|to|through)\s*\D*?([1-6])", text)
    numbers = {int(n) for n in re.findall(r"[1-6]", text)}
    if span:
        numbers |= set(range(int(span[1]), int(span[2]) + 1))
    return {THE_DAY[n - 1] for n in numbers}
