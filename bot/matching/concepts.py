"""Concepts: what a phrase speaks of, however it is worded. Each is a feature of its own for the matcher.

Scope (all, some, only), direction (receive, send), negation, old and new side, and the hard evidence of
error codes. Patterns are for normalised text (normal.normalise).
"""

import re

_TABLE: dict[str, str] = {
    # hard evidence
    "code-unknown": (
        r"5\.1\.(1|10)\b|user unknown|unknown user|no such user|recipient ?not ?found|宛先不明|"
        r"ユーザ不明"
    ),
    "code-tenant": (
        r"5\.7\.(1|51|64|68|133|606)\b|tenant(inbound)?attribution|direct ?send|"
        r"ダイレクト(送信|センド)"
    ),
    "code-loop": (
        r"hop ?counts?|too many hops|ホップ|5\.4\.(6|14)\b|loops?\b|looping|ループ|循環|ぐるぐる|"
        r"堂々巡り|行ったり来たり"
    ),
    "code-auth": (
        r"\bspf\b|spf|dkim|dmarc|softfail|permerror|5\.7\.2[0-9]|v=spf1|なりすまし|spoof|"
        r"送信ドメイン認証|lookups?|look-ups?"
    ),
    "code-host": (
        r"host (or domain name )?not found|nxdomain|domain not found|ドメインが見つから|宛先ドメイン"
    ),
    "bounce": (
        r"undeliver|bounce|バウンス|\bndr\b|non-delivery|エラーメール|送信エラー|戻って|返って|戻る|"
        r"はねられ|弾かれ|はじかれ|跳ね返"
    ),
    "reject": (
        r"拒否|弾か|弾く|はじか|ブロック|reject|refus|block|deny|denied|not authorized|"
        r"許可されていない"
    ),
    # direction and place
    "outside": (
        r"外部|社外|外から|外の|よそ|取引先|お客|顧客|得意先|external|outside|inbound|incoming|"
        r"customers?|partners?|gmail|yahoo"
    ),
    "inside": r"社内|内部|同じドメイン|internal|inside|colleague|between us",
    "receive": (
        r"受信|受け取|届|着信|入って|来な|来ま|来て|きて|receiv|arriv|inbound|incoming|get mail|"
        r"comes? in|reach"
    ),
    "send": r"送信|送る|送った|送って|送れ|宛に|宛の|宛が|outgoing|\bsend|\bsent\b|we send",
    "old": (
        r"旧|古い|前の|以前|昔の|元の|もとの|前に使って|\bold\b|previous|former|legacy|before|prior|"
        r"we left"
    ),
    "new": r"新しい|新サーバ|新環境|新メール|新側|新サービス|\bnew\b",
    "oldnew-both": r"両方|新旧|どちらにも|どっちにも|\bboth\b",
    "provider": r"プロバイダ|レンタルサーバ|業者|ホスティング|サーバ会社|\bisp\b|provider|hoster|hosting",
    # scope
    "all": (
        r"全部|全て|すべて|全件|全員|全社|全滅|一通も|1通も|一切|まったく|全く|全然|ひとつも|丸ごと|"
        r"ゼロ|何も|皆無|\ball\b|every|nothing|no mail|none|not a single|\bzero\b|\bany\b"
    ),
    "some": (
        r"一部|少し|たまに|時々|ときどき|ちらほら|ぽつぽつ|数通|数件|何通か|半分|半々|ばらばら|"
        r"バラバラ|ちょこちょこ|分かれて|分散|some|few|half|sometimes|occasional|split|partly|"
        r"part of|trickl"
    ),
    "only": r"だけ|のみ|しか|限って|\bonly\b|just|except|以外|everyone but|certain|特定",
    # negation and state
    "negation": (
        r"ない|ません|なくなっ|ず(に|、|$)|ぬ$|不可|不能|無い|\bnot?\b|n't|never|cannot|missing|"
        r"no longer|stopped|unable|without|fails?\b"
    ),
    "still": r"まだ|未だ|いまだ|続け|相変わらず|ずっと|still|keeps?\b|continu",
    "before-cutover": (
        r"切替(作業)?(日)?(の)?(より)?前|(切替|変えて|変更して)(して|し)?(い)?ない|まだ.*切替|移行前|"
        r"準備(中|期間)|登録した(時点|だけ)|開通した|before (the |we )?(cutover|switch|chang|migrat)|"
        r"haven't switched|not switched|prior to"
    ),
    "after-cutover": (
        r"切替(て|た|後|して)|変えたら|変更後|変更したら|導入(して|後)|"
        r"after (the )?(cutover|switch|change|migration)|since (the|we) "
    ),
    # subjects
    "spam": (
        r"スパム|spam|junk|phishing|フィッシング|隔離|検疫|quarantin|whitelist|ホワイトリスト|"
        r"フィルタ|filter|誤判定|誤検知|false positive"
    ),
    "judged": (
        r"判定され(ます|る|て(?!い?な|い?ま?せ)|た)|扱い(に|され|で)|に入って?(しま|る|り|た)|誤|"
        r"flagged|marked as|wrongly|goes? to|ends? up|lands? in"
    ),
    "unjudged": (
        r"判定され(な|ま?せ|てい?な|てお?り?ま?せ|ず)|素通り|すり抜け|効(い|か)|働(い|か)|機能して|"
        r"検知され|検知.*(ゼロ|0)|通って|通る|not? (spam|filter|flag|judg|score)|passes|through|"
        r"isn't caught|has no effect|not working"
    ),
    "carrier": (
        r"携帯|キャリア|ドコモ|docomo|\bau\b|auに|auの|au宛|ezweb|softbank|ソフトバンク|スマホ|"
        r"モバイル|\bmobile|carrier|cell ?phone|\bphone"
    ),
    "log": r"ログ(?!イン|アウト)|\blog(s|ged|ging)?\b|記録|履歴",
    "test": r"テスト|\btest",
    "login": r"ログイン|log ?in\b|login|パスワード(?!付|zip|つき|入力)|password(?!.protect)|admin|管理者",
    "menu": r"メニュー|画面|ボタン|タブ|リスト|一覧|項目|右上|menu|button|screen|\btab\b|list|console",
    "find": r"どこ|見つから|見当たら|見えない|出ない|出てこない|where|find|can't see|don't see|missing",
    "destination": (
        r"配送先|プルダウン|候補|選択肢|存在確認|pulldown|destination|delivery (server|setting)|"
        r"existence|user check"
    ),
    "zip": (
        r"zip|暗号化|パスワード(付|つき|zip)|鍵付|ppap|圧縮|password.protect|encrypt|パスzip|手順6|"
        r"step 6"
    ),
    "device": (
        r"複合機|コピー機|プリンタ|スキャ|\bfax\b|\bnas\b|監視|業務システム|基幹システム|copier|"
        r"printer|scan|device|monitoring"
    ),
    "connector": (
        r"コネクタ|ゲートウェイ|テナント|connector|gateway|tenant|m365|googleworkspace|ip制限|"
        r"lock ?down|ロックダウン"
    ),
    "form": (
        r"フォーム|wordpress|ホームページ|webサイト|サイトの|ウェブ|\bform\b|website|web site|shop|"
        r"通販|注文"
    ),
    "recipient": (
        r"宛先|アドレス|アカウント|ユーザ(?!存在|影響)|エイリアス|別名|メーリングリスト|\bml\b|共有|"
        r"info@|sales@|代表|社員|新人|recipient|address|alias|mailing list|mailbox|account|\buser"
    ),
    "late": (
        r"遅|時間がかか|なかなか|待っても|まだ来ない|数時間|分前|滞留|翌日|翌朝|後から|delay|slow|"
        r"late\b|takes? (too )?long|takes? .*(minutes|hours?)|queue|forever"
    ),
    "twice": (
        r"二重|2重|重複|ダブ|二通|2通|二回|2回|二つ|twice|duplicat|two copies|doubl|"
        r"same (mail|message|email)"
    ),
    "back": (
        r"戻し|戻す|戻せ|戻り|切戻|ロールバック|取り消|やめて|roll ?back|revert|restore|undo|go back|"
        r"switch back|put .*back"
    ),
    # DNS
    "ttl": r"ttl|ティーティーエル|300秒|\b3600\b|86400",
    "ttl-why": (
        r"なぜ|なんで|どうして|理由|目的|意味|メリット|必要性|根拠|why|reason|purpose|benefit|"
        r"point of"
    ),
    "ttl-cannot": (
        r"(変え|変更|下げ|設定|編集|入力|短く|いじ).*(られな|れませ|できな|できませ|れない|不可)|"
        r"不可|固定|グレー|灰色|欄がない|項目.*な|greyed|fixed|locked|not editable|no .*field|"
        r"can't (change|lower|edit)|unable"
    ),
    "ttl-look": (
        r"確認(方法|の|した|する|手順|コマンド)|調べ|見方|見る方法|いくつ|nslookup|\bdig\b|コマンド|"
        r"how (do|to|can).*(check|see|find|look)|current|what is our"
    ),
    "dns": (
        r"dns|ネームサーバ|レジストラ|\bns\b|name ?server|registrar|ドメイン(の|を)(管理|取得|契約)|"
        r"お名前|ムーム|さくら|xserver|エックスサーバ|route ?53|cloudflare"
    ),
    "who": r"誰|どこの会社|管理会社|業者|代理店|制作会社|担当|who\b|whom|company|agency|reseller",
    "mx-value": (
        r"mgf|mgp|\bmg\.|優先度|優先順位|preference|priority|ドット|ピリオド|\bdot\b|末尾|開通通知書|"
        r"opening notice|ホスト名|設定値|記述例|書き方|何本|1行|一行|mxの値"
    ),
    "plan": (
        r"プラン|契約|lite|compact|basic|standard|premium|ビジネス|エンタープライズ|送信対策|"
        r"受信対策|アーカイブ|対象|\bplans?\b|contract|eligible|archive|enterprise"
    ),
    "needed": (
        r"必要|必須|要否|要り?ま|いる\?|いりま|不要|しなくて|しないと|mandatory|necessary|required?|"
        r"\bneed"
    ),
    "when": (
        r"いつ|時間帯|タイミング|時期|曜日|何時|日程|週末|土日|夜間|平日|\bwhen\b|best time|weekend|"
        r"time of day|timing|which day"
    ),
    "support": (
        r"サポート|問い合わせ|窓口|電話|受付|立ち?会|待機|時間外|有償|営業時間|support|stand ?by|"
        r"phone|hotline|help ?desk|after.hours|contact"
    ),
    "until-when": r"いつまで|どれくらい|どのくらい|何時間|浸透|反映(時間|まで|に|待)|how long|propagat|until",
    "thanks": (
        r"ありがと|助かり|解決し|了解|承知|かしこまり|分かりました|わかりました|お疲れ|thank|thx|"
        r"cheers|got it|understood|solved|works now|fixed"
    ),
}
CONCEPTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple((n, re.compile(p)) for n, p in _TABLE.items())


def concepts(normalised: str) -> list[str]:
    """The names of the concepts in a normalised text."""
    return [name for name, pattern in CONCEPTS if pattern.search(normalised)]
