// A channel's and a thread's messages. Nodes are kept by revision, so a change redraws only what changed.
import { renderBlocks } from "/page/blocks.js";
import { surfaceOf, report } from "/page/dialogs.js";
import { avatar, h, icon, popup } from "/page/dom.js";
import { emojiNodes, mrkdwn } from "/page/mrkdwn.js";
import { lastRead, post, store, t, userOf } from "/page/store.js";
import { at, clockTime, dayKey, dayName, fullTime, shortWhen } from "/page/times.js";

const GROUP_SECONDS = 300;
const nodes = new Map(); // "list channel ts" -> {stamp, node}

export function inChannel(channel) {
  return [...store.messages.values()]
    .filter((m) => m.channel === channel && (!m.thread_ts || !m.is_reply || m.subtype === "thread_broadcast"))
    .sort((a, b) => Number(a.ts) - Number(b.ts));
}

export function inThread(channel, root) {
  return [...store.messages.values()]
    .filter((m) => m.channel === channel && (m.ts === root || m.thread_ts === root))
    .sort((a, b) => Number(a.ts) - Number(b.ts));
}

// `list`: "main" or "thread". `openThread(ts)` is absent inside a thread.
export function renderMessages(holder, list, messages, openThread, firstUnread) {
  const children = [];
  let previous = null, lastDay = null;
  for (const message of messages) {
    const day = dayKey(at(message.ts));
    const newDay = day !== lastDay;
    lastDay = day;
    if (list === "main" && newDay) {
      children.push(kept(`${list} day ${day}`, `${store.lang}${dayName(at(message.ts))}`, () =>
        h("div", { class: "day", role: "separator" }, h("span", null, dayName(at(message.ts))))));
    }
    if (firstUnread && message.ts === firstUnread) {
      children.push(h("div", { class: "unread-line", role: "separator" }, h("span", null, t("workspace.new_messages"))));
    }
    if (list === "thread" && previous && previous === messages[0]) {
      const count = messages.filter((m) => m.is_reply).length;
      children.push(kept(`${list} count`, `${message.thread_ts} ${count} ${store.lang}`, () => h("div", { class: "thread-count" }, replies(count))));
    }
    const first = list === "thread" && previous === messages[0];
    const grouped = !newDay && previous && !first && previous.user === message.user && !previous.only_for === !message.only_for
      && message.ts - previous.ts < GROUP_SECONDS && !(list === "main" && previous.reply_count) && !message.only_for;
    const stamp = `${message.rev} ${grouped} ${store.lang} ${store.run} ${hasNews(message)}`;
    children.push(kept(`${list} ${message.channel} ${message.ts}`, stamp, () => renderMessage(message, grouped, openThread)));
    previous = message;
  }
  arrange(holder, children);
}

// Puts the nodes into place and touches only those that are not there yet.
function arrange(holder, children) {
  const wanted = new Set(children);
  let at = holder.firstChild;
  for (const child of children) {
    while (at && !wanted.has(at)) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
    if (child === at) at = at.nextSibling;
    else holder.insertBefore(child, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// Replies that came since the thread was last looked at.
function hasNews(message) {
  return Boolean(message.reply_count) && message.latest_reply > lastRead(`${message.channel}:${message.ts}`)
    && store.messages.get(`${message.channel}:${message.latest_reply}`)?.user !== store.user;
}

function kept(key, stamp, make) {
  const old = nodes.get(key);
  if (old?.stamp === stamp) return old.node;
  const node = make();
  nodes.set(key, { stamp, node });
  return node;
}

function renderMessage(message, grouped, openThread) {
  const user = userOf(message.user);
  const time = at(message.ts);
  const only = message.only_for;
  const values = message.state?.values;
  const place = { channel: message.channel, ts: message.ts };
  const body = message.blocks?.length && !isTyped(message)
    ? renderBlocks(message.blocks, surfaceOf(place, values))
    : h("div", { class: "message-text" }, mrkdwn(message.text));
  return h("article", {
    class: `message ${grouped ? "grouped" : ""} ${only ? "ephemeral" : ""}`, "aria-label": `${user.real_name} ${fullTime(time)}`,
    data: { ts: message.ts, channel: message.channel },
  },
    only && h("div", { class: "only-you" }, icon("eye"), t("workspace.only_you")),
    h("div", { class: "gutter" }, grouped
      ? h("time", { class: "hover-time", title: fullTime(time) }, clockTime(time))
      : avatar(user)),
    h("div", { class: "message-main" },
      !grouped && h("div", { class: "message-head" },
        h("span", { class: "author" }, user.real_name),
        user.is_bot && h("span", { class: "badge" }, t("workspace.app_badge")),
        h("time", { class: "time", title: fullTime(time) }, clockTime(time))),
      body,
      message.edited && h("span", { class: "edited" }, t("workspace.edited")),
      (message.files || []).map(file),
      message.reactions && h("div", { class: "reactions" }, message.reactions.map((r) =>
        h("span", { class: "reaction" }, emojiNodes(`:${r.name}:`), " ", String(r.count)))),
      openThread && message.reply_count ? summary(message, openThread) : null),
    !only && toolbar(message, openThread));
}

const replies = (count) => (count === 1 ? t("workspace.reply_one") : t("workspace.replies", { count }));

const isTyped = (message) => message.blocks?.[0]?.block_id === "typed" && !message.bot_id;

function file(shown) {
  if (shown.mimetype.startsWith("image/")) {
    return h("figure", { class: "file-image" }, h("figcaption", null, shown.title),
      h("a", { href: shown.url_private, target: "_blank" }, h("img", { src: shown.url_private, alt: shown.title })));
  }
  return h("a", { class: "file", href: shown.url_private, download: shown.name },
    icon("file"), h("span", null, shown.title), h("small", null, t("workspace.download")));
}

function summary(message, openThread) {
  const people = (message.reply_users || []).slice(0, 4).map((id) => avatar(userOf(id), "tiny"));
  return h("button", { type: "button", class: "thread-summary", onclick: () => openThread(message.ts) },
    people, h("strong", null, replies(message.reply_count)),
    hasNews(message) && h("span", { class: "news" }, t("workspace.new_replies")),
    h("span", { class: "muted" }, t("workspace.last_reply", { when: shortWhen(at(message.latest_reply)) })));
}

function toolbar(message, openThread) {
  const shortcuts = store.seen.app.shortcuts.filter((shortcut) => shortcut.kind === "message");
  const more = h("button", {
    type: "button", class: "icon-button", "aria-label": t("workspace.more"), title: t("workspace.more"), "aria-haspopup": "menu",
    onclick: () => popup(more, t("workspace.more"), shortcuts.map((shortcut) => ({
      text: shortcut.name, note: store.seen.app.name, data: { callback: shortcut.callback_id },
      act: async () => report(await post("shortcut", { callback_id: shortcut.callback_id, channel: message.channel, ts: message.ts })),
    }))),
  }, icon("more"));
  return h("div", { class: "message-tools" },
    openThread && h("button", {
      type: "button", class: "icon-button", "aria-label": t("workspace.reply_in_thread"), title: t("workspace.reply_in_thread"),
      onclick: () => openThread(message.thread_ts || message.ts),
    }, icon("thread")),
    shortcuts.length ? more : null);
}
