"""A question as the matchers read it: one spelling for what people write in many ways."""

import re
import unicodedata

_SPELLINGS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"切り?[替換]え?(?=[^\u3041-\u3096]|[たてるましなよのをがはにでとももやか]|$)", "切替"),
        (r"きりかえ|キリカエ", "切替"),
        (r"切替まえ|切替マエ", "切替前"),
        (r"切り?戻し|切り?もどし|きりもどし|キリモドシ", "切戻"),
        (r"(?:もと|元|モト)[にへ](?:もど|戻|モド)", "元に戻"),
        (r"ぜんぶ|ゼンブ|すべて|スベテ", "全部"),
        (r"さげ(?=[らるたてま])", "下げ"),
        (r"あいかわらず", "相変わらず"),
        (
            r"(サーバ|ユーザ|フィルタ|プロバイダ|フォルダ|プリンタ|コネクタ|スキャナ|ヘッダ|マネージャ|レジストラ|ブラウザ)ー",
            r"\1",
        ),
        (r"メイル|めーる|mail\s*box", "メール"),
        (r"e-?mails?\b", "mail"),
        (r"\bmails\b", "mail"),
        (r"鯖", "サーバ"),
        (r"ケータイ|けいたい|ガラケー", "携帯"),
        (r"ジャンク(メール)?|迷惑メール|迷惑(?!電話)", "スパム"),
        (r"microsoft\s*365|office\s*365|o365|ms365|exchange\s*online", "m365"),
        (r"google\s*workspace|gsuite|g suite", "googleworkspace"),
        (r"pull-?\s?down|drop-?\s?down", "pulldown"),
        (r"とどか", "届か"),
        (r"とどき", "届き"),
        (r"こない", "来ない"),
        (r"きません", "来ません"),
        (r"れこーど", "レコード"),
        (
            r"isn't|aren't|wasn't|doesn't|don't|didn't|won't|can't|cannot|couldn't|haven't|hasn't",
            r"\g<0> not",
        ),
    )
)
_GAPS = re.compile(r"\s+")
_EDGES = re.compile(r"^[\s。、.,!?…・~〜ー\-]+|[\s。、.,!?…・~〜]+$")


def normalise(text: str) -> str:
    """NFKC, lower case, one spelling, single spaces; no punctuation at the ends."""
    lowered = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("'", "'")
    for pattern, to in _SPELLINGS:
        lowered = pattern.sub(to, lowered)
    return _EDGES.sub("", _GAPS.sub(" ", lowered))
