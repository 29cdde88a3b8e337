"""The words of the grammar. Patterns run on text made plain (NFKC, lower case), one clause at a time."""

# ruff: noqa: E501 (one thought a line reads better than a narrow column)

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns))


# --- the frame of a reply ------------------------------------------------------------------------

# Where one clause ends: a full stop (not that of 12.5 or example.jp), a line, a "but".
CLAUSE_END = re.compile(
    r"[。!\n]+|(?<=[?？])|\.(?=\s|$)|;\s|"
    r"(?<=です|ます|した|せん|ない|った|んだ)(?:のです)?(?:が|けど|けれども?|けども|ものの)[、,]?\s*|"
    r"(?<=[たす])し[、,]\s*|(?:ので|ため)[、,]\s*|、?(?:しかし|ただし?|でも|なので|ですので|それと|あと)、|"
    r",?\s+\bbut\b\s+|,\s+(?:and|so|then)\s+|,\s+(?=still\b)"
)

NOISE = _any(
    r"ご?(?:対応|協力|返信|回答|案内|説明|手配|教示)(?:いただき|頂き|くださり)?(?:まして)?、?(?:ありがとう|有難う)(?:ございま(?:す|した))?",
    r"お手数(?:を)?(?:おかけ|お掛け)(?:いた|致)?(?:して(?:い|おり)?)?(?:し)?(?:ます|ました)",
    r"\b(?:great|good|nice) (?:work|job)\b",
    r"(?:どうも)?(?:ありがとう|有難う|有り難う|ありがと)(?:ございま(?:す|した)|ね)?",
    r"お?疲れ(?:様|さま|さん)(?:です|でした|でございます)?",
    r"(?:何卒|引き続き|以上)?、?(?:どうぞ)?(?:よろしく|宜しく)(?:お?願い(?:いた|致)?し?(?:ます|申し上げます)?)?",
    r"お世話になって(?:い|お)ります",
    r"お世話になります",
    r"お待たせ(?:し|いた|致)+(?:ました|して(?:い|お)?り?ます)",
    r"(?:大変)?(?:失礼|恐縮)(?:し|いた|致)*(?:ました|です|ですが|します)",
    r"(?:すみません|すいません|済みません|ごめん(?:なさい)?|申し訳(?:ございません|ありません|ないです)?)(?:でした)?",
    r"(?:了解|承知|りょうかい|理解)(?:いた|致)?(?:し)?(?:ました|です|した|っす)?|(?:かしこまり|畏まり|わかり|分かり)ました|わかった$|分かった$",
    r"^(?:り|りょ|おつ|おつです|はーい|はあい|は~い)$",
    r"なるほど(?:です)?(?:ね)?",
    r"助かり(?:ます|ました)",
    r"(?:おはよう|こんにちは|こんばんは)(?:ございます)?",
    r"(?:ご)?連絡(?:ありがとうございます|します|いたします|致します)",
    r"(?:ご)?確認(?:ありがとうございます)",
    r"取り急ぎ(?:ご(?:連絡|報告)まで)?",
    r"(?:ご)?報告(?:です|いたします|します|まで)",
    r"(?:さん|さま|様)?(?:、)?いつも",
    r"\b(?:ok(?:ay)?,?\s+)?(?:many |thanks a lot|thank(?:s| you)(?: (?:so|very) much)?|thx|ty|cheers|much appreciated)\b",
    r"\b(?:got it|understood|noted|roger(?: that)?|makes sense|i see|sounds good|great|perfect|nice|cool)\b",
    r"\b(?:hello|hi|hey|good (?:morning|afternoon|evening))(?: (?:all|team|there|everyone))?\b",
    r"\b(?:sorry(?: for the (?:wait|delay))?|no problem|np|my apologies|fyi|please note|best regards|regards)\b",
    r":(?:\+1|thumbsup|pray|bow|man-bowing|woman-bowing|tada|smile|slightly_smiling_face|eyes|raised_hands|clap)"
    r"(?:::skin-tone-\d)?:",
    r"[👍🙏🙇🎉😊🙂👀🙌👏]",
)

POLITE = _any(
    r"(?:を|で|に)?お?願い(?:いた|致)?し(?:ます|たいです)",
    r"(?:ください|下さい)(?:ませ)?",
    r"(?:で)?(?:お)?頼みます",
    r"\b(?:please|pls|plz|kindly)\b",
)

QUESTION_END = re.compile(
    r"(?:か|かな|かね|の|っけ|でしょう)?\s*[?？]\s*$|(?:です|ます|でしょう|ました|ません|ない|た|る|よい|いい|良い|の)か$|(?:かな|っけ|でしょうか|ですかね|ますかね)$"
)
QUESTION_WORDS = _any(
    r"どっち|どちら",
    r"どう(?:すれば|したら|やって|なっ|なり|いう|し(?:ま|て))",
    r"なぜ|何故|なんで|どうして",
    r"いつ(?:から|まで|ごろ|頃|に|です|でしょ|が|$)",
    r"どこ(?:です|で|に|の|から|へ|を|$)",
    r"どれ(?:です|を|が|くらい|$)|どの(?:くらい|ように|画面|値|レコード|サーバ|ホスト|手順|項目)",
    r"何(?:を|が|です|で(?:しょ|すか)|の|秒|時|分|日|か)|なに(?:を|が)",
    r"誰(?:が|です|に)|だれ(?:が|です|に)",
    r"教えて|ご教示|知りたい|わからない|分からない|わかりません|分かりません|不明です",
    r"とは$|って何|(?:やり|仕|し)方|方法(?:は|を|が)?|について(?:は)?$",
    r"場合は$|したら(?:どう|いい|よい)|(?:して|ても|ていて)も?(?:いい|良い|よい|よろしい|大丈夫|平気|構わない)",
    r"大丈夫(?:です|でしょう)か",
    r"か(?:どうか|わから|分から|不明)",
    r"\b(?:don't|do not|doesn't) (?:understand|know|get it)\b|\bnot sure (?:what|how|where|which|if|whether|about)\b|\bconfused\b|\bwondering\b",
)
QUESTION_START = re.compile(
    r"^(?:so |and |but |also |then |hi,? |hey,? )?"
    r"(?:(?:is|are|am|do|does|has|was|were|what|what's|when|when's|where|where's|which|who|who's|why|how|how's|whose)\b"
    r"(?!\s+(?:done|finished)\b)|"
    r"did\b(?!\s+(?:it|that|this|both|all|everything|so)(?:\s+(?:now|just now|already|today|yesterday))?$)|"
    r"(?:have|had|will|would|should|shall|may|might|must|can)\s+(?:i|we|you|it|this|that|the|they|there|my|our|mail)\b)"
)
# A wish in the shape of a question is a wish: 延期してもらえますか, can you move it.
REQUEST = _any(
    r"(?:して|ずらして|変えて|戻して|やめて|止めて|動かして|させて)?(?:もらえ|いただけ|頂け|くれ|もらい|いただき|頂き)(?:ま(?:す|せん)|たい|る)",
    r"お願い(?:でき|出来)ま(?:す|せん)",
    r"(?:したい|させたい|たい)(?:の(?:です)?が|んですが|です|と(?:思い|考え)|$)",
    r"\b(?:can|could|would|will) (?:you|we)\b",
    r"\b(?:i|we)(?:'d| would)? (?:like|want|need)(?: to)?\b",
    r"\b(?:let's|let us)\b",
)
METHOD = _any(
    r"方法|やり方|仕方|とは$|って何|手順(?:は|を教え)|について|したら(?:どう|何)|(?:する|した|すれ)(?:と|ば)(?:どう|何)|\bhow (?:do|to|can|should)\b|\bwhat (?:if|happens)\b"
)

# --- what is wanted of the cutover ---------------------------------------------------------------

NOT_TO = _any(
    r"(?:中止|延期|キャンセル|取り?消し?|変更|切り?戻し?|リスケ|ロールバック)(?:は|を|に)?(?:し(?:ません|ない|なくて|たくない)|せず|不要|必要(?:は)?(?:ない|なし|ありません)|なし)",
    r"やめ(?:ません|ない)|(?:戻|ずら|動か|のば|延ば)(?:しません|さない|したくない)",
    r"\b(?:don't|do not|won't|will not|not|no need to|never|without|didn't|shouldn't)\b[^,]{0,20}\b(?:cancel\w*|postpone\w*|reschedul\w*|move|roll(?:ing)?|revert\w*|abort\w*|delay\w*)",
)
# What is wanted only perhaps, or on a condition; 可能であれば is mere politeness.
POLITE_IF = _any(
    r"(?:でき|出来)れば|可能(?:で)?(?:あれば|なら)|(?:よ|良|よろし)ければ|差し支えなければ|ご都合(?:が|の)",
    r"\bif (?:possible|you can|you could|that's ok(?:ay)?|that is ok(?:ay)?|it's ok(?:ay)?)\b",
)
PERHAPS = _any(
    r"かも(?:しれ|$|です)|可能性|場合|もし|いざ|(?:たら|だら|れば|なら|ければ)(?:、|すぐ)?.*(?:中止|切り?戻|延期|キャンセル|ロールバック|取り)",
    r"(?:中止|延期|切り?戻し?|ロールバック)(?:の)?(?:手順|準備|検討|判断|相談|条件|基準|可否)|(?:中止|延期|切り?戻し?)(?:する|すべき)?か",
    r"\b(?:if|may|might|maybe|perhaps|possibly|probably|in case|unless|consider(?:ing)?|thinking (?:of|about))\b",
)
CANCEL = _any(
    r"中止",
    r"取り?やめ",
    r"取り?消し|取消",
    r"キャンセル",
    r"(?:切り?替え|切替|作業|移行|今回)(?:は|を)?(?:、)?や(?:め|ら)(?:ます|たい|よう|る|ない|ません|ること)",
    r"^(?:やっぱり|やはり)?や(?:め|っぱりやめ)(?:ます|たい|ましょう|よう|る|ときます|ておきます)",
    r"見送(?:り|る|ります)",
    r"\bcancel(?:l?ed|l?ing|lation)?\b",
    r"\bcall(?:ed|ing)? (?:it|this|the cutover|the change) off\b|\bcall off\b",
    r"\babort(?:ed)?\b",
)
NOT_CANCEL = _any(
    r"(?:通知|リマイン(?:ド|ダー?)|お知らせ|メンション|旧(?:サービス|メール)|契約|解約|ドメイン)の?(?:を|は)?(?:中止|取り?消|キャンセル|やめ)",
    r"\bcancel(?:l?ing|led)? (?:the |my |this |our |all )?(?:reminder|notification|contract|old|subscription|domain|message)s?\b",
)
ROLL_BACK = _any(
    r"切り?戻",
    r"切りもど",
    r"ロールバック",
    r"(?:mx|メールサーバー?|メールサービス|元|前|旧|以前)(?:レコード|サーバー?|サービス|環境|mx)?(?:の(?:状態|設定|サーバー?|mx))?(?:を|に|へ)?(?:元に|元通りに)?(?:戻(?:し|す|せ)|もど(?:し|す))",
    r"^(?:を)?戻(?:します|したい|して|す|しましょう|そう)",
    r"\broll(?:ing|ed)?[ -]?(?:it |this |the \w+ )?back\b|\brollback\b",
    r"\brevert(?:ed|ing)?\b",
    r"\b(?:go|switch|change|put) (?:it |this |the mx )?back\b",
)
RESCHEDULE = _any(
    r"延期|リスケ|日程(?:の|を)?(?:変更|調整|再調整|変え)|(?:日時|日付|日にち|予定日?|スケジュール|時間|時刻|切替日|切り替え日)(?:の|を)?(?:変更|変え|ずらし)",
    r"日程(?:の|を)?見直|(?:別の?|ほかの?|他の?)日(?:に|程|時)",
    r"後ろ倒し|前倒し|先送り|繰り(?:上げ|下げ|延べ)|ずら(?:し|す|せ)|(?:日を|日程を|日時を)(?:改め|変え)|(?<![いも])延ば(?:し|す)|のば(?:して|したい|す)",
    r"早め(?:て|たい|る|ます)|遅らせ",
    r"\breschedul\w*|\bpostpone\w*|\bpush(?:ed|ing)?\b.{0,20}\b(?:back|out|to|by)\b|\bput (?:it |this )?off\b",
    r"\bmov(?:e|ed|ing)\b.{0,25}\b(?:to|by|until|forward|up|earlier|later|back)\b",
    r"\bmove (?:it|this|(?:the )?(?:date|day|time|cutover|change))(?: please)?\W*$",
    r"\bdelay(?:ed|ing)?\b.{0,20}\b(?:to|until|till|by)\b|\bdelay (?:it|this|the (?:cutover|change))\b",
    r"\bchange (?:the )?(?:date|time|day|schedule)\b|\bbring (?:it )?forward\b|\b(?:different|another|new) (?:date|day|time)\b",
)
# 変更 and the like: a new day only where a date is given and no step is named.
MOVE_TO = _any(
    r"(?:に|へ)(?:変更|変え|移動|動か|移し|再設定)",
    r"\b(?:change|set|make|schedule) (?:it|this|that|the cutover|the change)\b|\blet(?:'s| us) do\b",
    r"\binstead\b|\brather\b",
)
# These only with a full date and time: 明日にします answers a reminder.
MAKE_IT = _any(
    r"(?:に|へ)(?:します|しましょう|して|したい|する$|決め|お?願い)",
    r"で(?:お?願い|いかが|どうでしょう)",
)
# So long after or before the planned day.
BY = re.compile(
    r"\d\s*(?:分|時間|日|週間|[かヶヵカケ]月)間?(?:ほど|だけ|くらい|ぐらい|分)?(?:の)?"
    r"(?:延期|後ろ倒|前倒|(?:後ろ|前|あと)に(?:ずら|倒|ずれ)|先送|ずら|遅ら|早め|延ば|のば|繰り)|"
    r"\b(?:by|postpone|delay|back|forward|up|out|off|reschedule)(?: it| this)?(?: for| by)? \d+ (?:minute|min|hour|day|week|month)s?\b|"
    r"\b\d+ (?:minute|min|hour|day|week|month)s? (?:later|earlier)\b"
)
EARLIER = _any(r"前倒し|前に|早め|繰り上げ|\b(?:earlier|forward|up)\b")
ASSIGN = _any(
    r"担当(?:者)?(?:は|を|に|:|：|が|の(?:変更|交代))?",
    r"\bassign(?:ed|ee)?\b|\bowner\b|\bin charge\b|\btake(?:s|n)? (?:this |it )?over\b|\bhand(?:s|ed|ing)? (?:this |it )?over\b",
    r"(?:さん)?(?:に|へ)(?:引き継|お?任せ|代わ|替わ|交代)",
    r"(?:さん)?(?:に|へ|が)(?:お?願い|対応|やり|やって|作業)",
    r"\b(?:will|should|can|is going to|are going to) (?:do|handle|own|take)\b|\b(?:can|could|would|will) you (?:do|handle|take|finish|complete|look after)\b",
)
ASSIGN_WHOM = _any(
    r"担当(?:者)?(?:を|の)?(?:変更|変え|交代|替え|代え|追加)",
    r"担当(?:者)?は(?!誰|だれ|どなた|私|わたし|僕|自分)[^、。]{1,12}(?:さん|さま|様|です|に)",
    r"^担当(?:者)?$",
    r"\b(?:change|new|another) (?:the )?(?:owner|assignee)\b|^\s*(?:re)?assign\b",
)

# --- how a step stands ---------------------------------------------------------------------------

NOT_NEEDED = _any(
    r"不要|必要(?:は|が)?(?:ない|無い|なし|ありません|なさそう)|(?:要|い)りません|要らない|いらない|不必要",
    r"該当(?:し(?:ません|ない)|なし|せず)|対象外|関係(?:ない|ありません|なし)",
    r"(?:使って|利用して|使用して|契約して|申し込んで)(?:い)?(?:ません|ない)|(?:使い|利用し|使用し)ません|使わない|利用しない|(?:申し込み|頼み|予約し|契約し)ません|(?:申し込|頼)まない",
    r"スキップ|省略|飛ばし(?:て|ます)|やらなくて(?:いい|よい|良い)",
    r"\bnot (?:needed|necessary|required|applicable)\b|\b(?:don't|do not|doesn't|won't) need\b|\bno need\b|\bn/a\b|\bunnecessary\b",
    r"\bskip(?:ped|ping)?\b|\b(?:don't|do not|not) us(?:e|ing)\b",
)
# The reminders, which are no step.
NOTICES = re.compile(r"通知|リマイン|お知らせ|メンション|\b(?:reminder|notification)s?\b")
YET = re.compile(r"まだ|未だ|未(?:完了|実施|対応|設定)|待ち|\byet\b|\bstill\b")
STILL = _any(
    r"まだ|未だ|いまだ",
    r"未(?:完了|実施|対応|設定|作業|着手|変更|確認|処理|反映|済|了|登録)",
    r"(?:作業|対応|設定|確認|実施|調整|依頼|申請|手配|手続き?|検討|準備|処理|反映|切替|切り替え|待ち|待機|連絡)(?:を)?(?:して(?:い)?(?:る|ます)?(?:ところ|最中)|中(?:です|$|、)|待ち)",
    r"(?:途中|最中|これから|もうすぐ|そろそろ|間もなく|まもなく|もう少し|もうちょっと|あと少し|しばらく|今から|いまから)",
    r"(?:予定|つもり|見込み)(?:です|$|でいます|となって)",
    r"(?:ほぼ|ほとんど|半分|一部|だいたい|大体)(?:は|だけ|のみ)?",
    r"(?:依頼|申請|相談|問い合わせ|お願い)(?:を)?(?:済|(?:し|いたし|致し)(?:ました|て(?:い)?ます|ています|た))",
    r"(?:返答|返事|回答|連絡|反映|返信|承認|許可)待ち|待ち(?:です|$)|待って(?:い|お)?(?:ます|る|ります)|お待ち",
    r"やって(?:い)?ます|やってる|(?:作業|対応)して(?:い)?(?:ます|る)",
    r"(?:します|やります|始めます|行います|進めます|いたします|致します|対応します|変更します|設定します|確認します|下げます|切り替えます|終わらせます|終わります|取り掛かります|連絡します)(?:ね|よ)?$",
    r"(?:し|やり|終え|終わり)(?:たら|次第)|(?:完了|終了|終わり|でき|出来)次第|終わったら|(?:完了|終了|対応|設定|変更)(?:し(?:たら|次第|ます)|したら|すれば|させ|後に?|予定|見込み|待ち|前)|できたら|出来たら",
    r"時間(?:が|を)(?:かか|必要|ください|下さい)|間に合(?:わ|い)(?:ない|ません)",
    r"\bnot (?:yet|done|finished|complete[d]?|ready|quite|started|so far|all|entirely|fully|there)\b|\byet to\b",
    r"\b(?:in progress|on it|working on|doing (?:it|this|that)|halfway|half|almost|nearly|partly|partially|mostly|pending|waiting|wip|ongoing|underway)\b",
    r"\b(?:will|we'll|i'll|gonna|going to|plan(?:ning)? to|about to|intend to|need(?:s)? (?:to|more)|have to|has to|must|to be|want to|trying to)\b",
    r"\b(?:when|once|if|after|until|till|before|as soon as|unless|by the time)\b.{0,25}\b(?:done|finish\w*|complete\w*|ready)\b",
    r"(?<!should )(?<!might )\b(?:get|have|be) (?:it |this |that |them )?done\b",
    r"\b(?:asked|requested|contacted|emailed|called)\b.{0,30}\b(?:to|for|about|provider|company|registrar|host|them)\b",
    r"\bunfinished|undone|incomplete\b|\bstill\b",
    r"(?:ちょっと|少し|少々|しばらく)(?:お)?待|待って(?:て|ね)?$|お待ち",
    r"(?:よう|ろう)と(?:して|思)",
    r"(?:終わっ|完了し|でき|済ん|確認し)[てで]から",
    r"(?:依頼|申請)(?:書)?(?:を)?(?:出|提出|投げ)",
    r"\b(?:finishing|completing|changing|checking|lowering|setting|preparing)\b",
    r"^(?:いいえ|いえ)|^(?:no|nope|nah)(?:,|$)",
)
# A done-word that is denied: 完了していません, 終わってない.
DENIED = _any(
    r"(?:完了|終了|終わっ|終え|対応|設定|変更|実施|でき|出来|やっ|反映|確認|下げ|下がっ|切り替え|切り替わっ|切替|変わっ|消し|削除|無効化?|済ん|手を付け|着手|戻し|戻っ|入れ|登録|更新|選択|ログイン|され)(?:に|は|も|を)?(?:し|さ|され|出来|でき)?[てで](?:は|も)?(?:い|おり|ございま)?(?:ない(?:です)?|ません|ませんでした|なかった|ないまま)",
    r"(?:完了|終了|終わり|対応|設定|変更|実施|作業)(?:では|じゃ)(?:ない|ありません|なく)",
    r"(?:完了|終了|終わった|できた)とは(?:言え|いえ)",
    r"(?:った|した|んだ)ことが?(?:ない|ありません)",
    r"n't\b|\bdoubt\b|\bforgot(?:ten)?\b",
    r"\bnothing\b|\bno one\b|\bnobody\b|\bnone\b",
    r"\bnot\b|\bnever\b|\bfar from\b|\bhardly\b|\bbarely\b|\bwithout\b",
    r"\b(?:haven't|hasn't|hadn't|didn't|isn't|aren't|wasn't|ain't|have not|has not|did not|is not|are not|was not|havent|hasnt|didnt|isnt)\b",
    r"(?:完了|終了|対応|設定|変更|実施)(?:は)?し(?:ません|なかった|ていない|てない)|終わらな(?:い|かった)|終わりま?せん",
)
CANT = _any(
    r"(?:でき|出来)(?:ない|ません|ず|なかった|かね(?:ます|る)|なさそう|ないよう|そう(?:に|も)(?:ない|ありません))",
    r"(?:変更|設定|対応|実施|作業|短縮|低く)?(?:は|が)?不可(?:能)?|(?<![をに])無理|ムリ(?!ょ)|変えられ(?:ない|ません)|下げられ(?:ない|ません)|変えれ(?:ない|ません)|下げれ(?:ない|ません)|(?:戻|消|直)せ(?:ない|ません)|戻られ",
    r"(?:変更|設定|編集|短縮)(?:する)?(?:項目|欄|機能|画面|権限|方法|手段)(?:が|は|も)?(?:な(?:い|し|さそう)|無い|ありません|見当た)",
    r"(?:項目|欄|機能|権限)(?:が|は|も)?(?:ない|無い|ありません|なし|見当た|見つか[らり])|グレーアウト|固定(?:です|値|されて|の(?:ため|よう))",
    r"対応して(?:い)?(?:ない|ません)(?:サービス|プラン|と)|サポートされて(?:い)?(?:ない|ません)",
    r"\b(?:can't|cannot|can not|cant|couldn't|could not|unable|impossible|not possible|not able|isn't possible|no way|not allowed|not supported|isn't supported|doesn't (?:allow|support|let)|won't (?:let|allow)|not permitted)\b",
    r"\b(?:fixed at|greyed out|grayed out|not (?:editable|changeable|configurable|adjustable)|no (?:\w+ )?(?:option|field|setting|permission|way)s?)\b",
)
# A setting that is not offered at all; these are no faults to look into.
NO_FIELD = re.compile(r"(?:項目|欄|機能)(?:が|は|も)?(?:な(?:い|し)|無い|ありません|見当た|見つか)")
# The cutover as a whole, which is no step of it.
WHOLE = re.compile(
    r"mx(?:レコード)?の?(?:切り?替え?|切り?換え?|移行|変更作業|カットオーバー| ?cutover| ?change| ?switch)"
)
# A fault even where it is said to go on "still".
FAULT = re.compile(r"旧(?:サーバ|メール|サービス|環境)\S{0,6}(?:に|で)も?(?:まだ)?(?:届|受信|入)")
# What is not a step that cannot be done, but a fault to be looked into.
SYMPTOM = _any(
    r"届(?:か|き)(?:ない|ません|なく|ず|にくい)|届いて(?:い)?(?:ない|ません)|(?<!出)来(?:ない|ません|ていない|てない)|(?<!で)き(?:ません|て(?:い)?ない)",
    r"(?:受信|送信|受け取|送れ|送受信|受信が|送信が)(?:が)?(?:でき|出来)?(?:ない|ません|れ(?:ない|ません)|なく)",
    r"ログイン(?:が)?(?:でき|出来)(?:ない|ません)|入れ(?:ない|ません)",
    r"(?:表示|反映)(?:が)?され(?:ない|ません)|(?:残|載)(?:らない|りません)|出(?:ない|ません|てこない|てきません)|見つか(?:らない|りません)|見当た(?:らない|りません)|見え(?:ない|ません)",
    r"のまま(?:です|$|に|なん)|問題(?:が|は)?(?:あり(?:ます|まし)|発生|起き|出て)|トラブル|うまくいか|うまくいきません",
    r"\b(?:doesn't|does not|didn't|did not|isn't|not) work",
    r"エラー(?:が|に|で|です)|失敗|おかしい|不具合|障害|迷惑メール|スパム(?:に|判定|扱い)|遅(?:い|延|れて)|重複|二重|2通|弾かれ|はじかれ|戻ってき|バウンス|ループ",
    r"\b(?:mail|email|message|test)s?\b.{0,25}\b(?:not|isn't|aren't|doesn't|don't|never|no longer|bounc\w+|delayed|missing|lost)\b|\bnot (?:arriving|receiving|getting|delivered|working|showing)\b",
    r"\b(?:can't|cannot|can not|couldn't|unable to) (?:log ?in|sign in|receive|send|find|see|get|access|reach)\b",
    r"^no (?:mail|email)s?\b|\bnothing (?:comes|came)\b",
    r"\b(?:error|fail(?:s|ed|ing|ure)?|broken|bounc\w+|spam|duplicate|rejected|loop)\b|\bnothing (?:arrives|arrived|shows)\b",
)
HEDGE = _any(
    r"多分|たぶん|おそらく|恐らく|(?:はず|筈)(?:です|$|だ)|かもしれ|かも(?:$|です)|と思(?:い|う|われ)|(?:した|完了した|終わった)つもり|気が(?:し|する)|(?:みたい|よう|っぽい)(?:です|$)|でしょう$|らしい",
    r"ことに(?:して|でき)|\bwrong\b",
    r"\b(?:maybe|perhaps|probably|possibly|i think|i guess|i believe|i hope|should be|might be|seems?|apparently|supposedly|not sure)\b",
)
DONE = _any(
    r"(?:完了|かんりょう|終了)(?:です|しました|した|済み?|済です|いたしました|致しました|しております|しています|してます|しており|報告|でーす|っす|だ)?(?:よ|ね)?$",
    r"(?:完了|終了)(?:しました|した|済み?|です|いたしました|致しました|しております|しています|してます|させました)",
    r"(?:終|お)わ(?:りました|った|ってます|っています|ってる|っております|り(?:です|$|ま))|終え(?:ました|た|ています)",
    r"(?:でき|出来)(?:ました|た(?![らいの])|てます|ています|上がり)",
    r"やりました|行いました|(?:や|行)って(?:おきました|あります)|やっときました|(?:^|[はをもに、\s\d]|さっき|もう|今)やった(?![らの])",
    r"(?<=\d)(?:秒)?に(?:しました|した$|してあります|しておきました)",
    r"(?:対応|設定|変更|実施|作業|更新|追加|削除|無効化|有効化|修正|登録|切替|切り替え|切換え?|確認|チェック|入力|ログイン|選択|反映|投入|適用|処理|準備|手配|予約|連絡|実行|編集|短縮|申し込み|申込|セット|クリア|オフ|オン|無効|有効|短く|削除|切り替え)(?:は|を|が|も|に)?(?:いた|致)?"
    r"(?:しました|した(?![らいの])|ときました|しときました|しておきました|してあります|してます|しています|しております|済み?(?:です|ました|$|、|で)|されました|さ?れています|完了|ok(?:です)?$|できました|出来ました|できた|done)",
    r"(?:下げ|変え|換え|切り替え|切替え|替え|入れ|外し|消し|止め|戻し|直し|選び|終え|済ませ|見|送り|もらい|申し込み|頼み)(?:て(?:おき|あり|い)?(?:ました|ます)|ました|た$|ときました)",
    r"(?:変わり|切り替わり|切替わり|下がり|反映され|戻り|消え)(?:ました|ています|てます|た$)",
    r"(?<!経)(?<!救)(?<!決)(?<!返)済(?:み|です|$|んだ|みました|みです|んで(?:い|おり)?ます)|(?:^|\s)すみ$|(?:^|[はが])ok(?:です)?(?:でした)?(?:!|$)(?<!^ok)(?<!^okです)",
    r"届いて(?:い)?(?:ます|る$)",
    r"(?:届き|受信でき|受け取り|受信し|確認でき|到着し|着き)(?:ました|ています|てます|た$)",
    r"(?:完了|終了|終わった|変更した)(?:した)?(?:の|との|という|と)(?:ご?連絡|報告|返事)(?:が|を)(?:あり|受け|もらい|いただき|頂き|来)ました",
    r"(?:受信|送信|設定|切替|切り替え|変更|確認|テスト|配送先|許可設定|コネクタ|反映)(?:は|も|が)?、?\s?ok(?:です|でした)?$",
    r"^\W*[1-6](?:\s*[,、と・&+]\s*[1-6])*\s*(?:は|も)?\s*ok$",
    r"(?:メール|テスト|返信)(?:が|は|も)?来(?:ました|て(?:い)?ます)",
    r"整い(?:ました|ています)|うまくいき(?:ました|ています)|成功しました",
    r"(?:記録|ログ|履歴)(?:が|も|に)?(?:あり|残|出て|載|確認でき)(?:ました|って(?:い)?ま(?:す|した)|いま(?:す|した))",
    r"300(?:秒)?(?:です$|になりました|になって(?:い)?ます|にして(?:い)?ます)|\bttl (?:is )?(?:now )?(?:at )?300(?: now)?$",
    r"(?:問題|異常|支障)(?:は|も)?(?:な(?:く|し)|ありませんでした|ございませんでした)(?:、)?(?:完了|終|受信|届|でき)?",
    r"\b(?:done|finished|completed?|accomplished|sorted|all set|d-o-n-e)\b",
    r"^(?:(?:yes|yep),?\s+)?(?:i|we) did$|^(?:it |that |this )?works(?: now| fine| well)?$",
    r"\b(?:did it|did that|did (?:all|both|step|everything)|took care|taken care|got it done|made the change|wrapped up|went through|good to go)\b",
    r"^(?:(?:i|we|i've|we've|ive|weve|have|just|already|now|it's|it is|the|both|all|have just|have now|has been|was|were)\s+)*"
    r"(?:changed|lowered|reduced|set|updated|deleted|removed|disabled|enabled|switched|selected|chosen|tested|checked|confirmed|verified|received|restored|configured|applied|saved|published|booked|ordered|logged in|turned (?:on|off)|arrived|entered|edited|replaced|added|registered|fixed)\b",
    r"\b(?:has|have|'ve|is|are|was|were) (?:now |just |all |already |been )*(?:changed|lowered|reduced|set|updated|deleted|removed|disabled|enabled|switched|selected|tested|checked|confirmed|verified|received|restored|configured|applied|booked|in place|complete|live|off|gone)\b",
    r"\b(?:test )?(?:mail|email|message)s? (?:has |have )?(?:arrived|came|come|got) ?(?:through|in)?\b",
    r"\b(?:mx|ttl|rule|setting|record|server|connector|gateway|support|standby|zip)\b.{0,20}\b(?:changed|lowered|set|updated|deleted|removed|disabled|enabled|switched|restored|booked|arranged|done|ok)\b",
    r"[✅☑✔]|:(?:white_check_mark|heavy_check_mark|ballot_box_with_check|done|check|checked|完了|済|done-\w+|kanryo):",
)
# What takes a done back: behind it (した訳ではありません, したつもりでした), or as a condition before it.
TAKEN_BACK = re.compile(
    r"ない|ません|なかった|限り|限ら|わけ|訳で|とは|つもり|予定|ことに|たら|れば|なら|はず|か(?:も|どうか|$)|\bnot\b|n't\b"
)
CONDITION = re.compile(r"もし|仮に|\b(?:if|unless|until|till|whether|as soon as|before)\b")
# Words of a done that are no claim: 完了のご連絡をお待ちください, "done" inside a plan.
NOT_DONE = _any(
    r"\b(?:done|finished|completed?) (?:by|before|until|within|in \d|tomorrow|tonight|next|later)\b",
    r"(?:完了|終了)の(?!ご?(?:連絡|報告|返事)(?:が|を)(?:あり|受|も|い|頂|来))",
    r"(?:完了|終了)(?:は|予定|条件|時|日|後|前|まで|目標|次第|待ち|でき)(?!です|しました)",
    r"(?:完了|終わった|終了)(?:かどうか|か(?:を|は|も))",
)
LATER = _any(
    r"あとに(?:し|回)|後に(?:し|回)|後回し|あとで|後で|のちほど|後ほど|後日|また(?:今度|後で|あとで|連絡)|今度|今(?:は|、)?(?:忙し|手が離せ|できない|無理)|そのうち|改めて|スヌーズ",
    r"\b(?:later|not now|another time|some other time|snooze|remind me|busy|tied up|in a (?:bit|while|moment|minute|sec))\b",
)
CHECK_AGAIN = _any(
    r"(?:dns|もう一度|もう一回|再度|再|今すぐ)?(?:を|で)?(?:確認|チェック|検査|診断|確かめ)(?:を)?(?:して(?:ください|下さい|みて|もらえ|いただけ|ほしい|頂け|$)|お?願い|してほしい|よろしく)|ご確認(?:を|の(?:ほど|程))?(?:、)?(?:ください|下さい|お?願い|よろしく|いただけ)",
    r"(?:^|もう一度|再度)見て(?:ください|下さい|みて|もらえ)?$|再(?:確認|チェック)(?:して|を?お?願い|お?願い|$)",
    r"^(?:please )?(?:check|verify|look)(?: (?:it|dns|mx|ttl|the (?:dns|mx|ttl)|this|again|now|once more))*$",
    r"\b(?:can|could) you (?:check|verify|look)\b",
)
STATUS = _any(
    r"^(?:今|現在)?(?:は|の)?、?どんな(?:状況|状態|感じ)",
    r"^(?:(?:今|現在)(?:は|の|、)?)?(?:状況|状態|進捗|ステータス)?(?:は|って)?(?:今)?どう(?:なって|です)",
    r"^(?:what's|what is|how's|how is) (?:the |our )?(?:current )?(?:status|state|progress|it going)\b|^where (?:are we|do we stand)\b|^any (?:update|news|progress)\b",
)
YES = re.compile(
    r"^(?:はい|ええ|うん|yes|yep|yeah|yup|sure|ok(?:ay)?|okです|オッケー|おっけー|おk|大丈夫(?:です)?|(?:特に)?問題(?:は)?(?:ない|なし|ありません)(?:です)?|🙆|👌|:ok(?:_hand)?:|よし|y)$"
)
