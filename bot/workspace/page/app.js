// The page: where we are, what is shown, and what to fetch when the server says that something changed.
import { composer } from "/page/composer.js";
import { errorText, renderModal, report, setUpDialogs, surfaceOf, toast } from "/page/dialogs.js";
import { avatar, closePopup, h, icon, put } from "/page/dom.js";
import { renderBlocks } from "/page/blocks.js";
import { inChannel, inThread, renderMessages } from "/page/messages.js";
import { inline } from "/page/mrkdwn.js";
import { channelOf, dm, get, keep, kept, lastRead, markRead, post, STARTERS, store, t, userOf } from "/page/store.js";
import { loadDns, renderTools, tick } from "/page/tools.js";

const el = (id) => document.getElementById(id);
const FIRST = "C0CUTOVER1";
const SHOWN_AT_ONCE = 150;
let lastNotice = null;
let online = true;
let frame = {}; // what the main column and the thread were drawn for
let firstUnread = null;

// --- fetching ---

let fetching = false, again = false;

async function refresh() {
  if (fetching) { again = true; return; }
  fetching = true;
  try {
    do {
      again = false;
      const query = new URLSearchParams({ user: store.user, since: String(store.rev), run: store.run });
      const [seen] = await Promise.all([get(`/ui/state?${query}`), toolsOpen() ? loadDns() : null]);
      if (!seen.run) throw new Error(seen.error);
      take(seen);
    } while (again);
  } catch {
    setOnline(false);
  } finally {
    fetching = false;
  }
}

function take(seen) {
  if (seen.run !== store.run || store.rev < 0) store.messages.clear();
  for (const message of seen.messages) store.messages.set(`${message.channel}:${message.ts}`, message);
  for (const { channel, ts } of seen.gone) store.messages.delete(`${channel}:${ts}`);
  store.seen = seen;
  store.run = seen.run;
  store.rev = seen.rev;
  store.lang = seen.me.locale.startsWith("ja") ? "ja" : "en";
  document.documentElement.lang = store.lang;
  setOnline(true);
  render();
  notices(seen.notices);
}

function notices(all) {
  const last = all.at(-1)?.id ?? 0;
  if (lastNotice !== null) {
    for (const notice of all) if (notice.id > lastNotice) toast(errorText(notice.code, notice.args));
  }
  lastNotice = last;
}

function setOnline(value) {
  if (value === online) return;
  online = value;
  if (store.texts) put(el("app").querySelector(".offline") || el("app").appendChild(h("div", { class: "offline", role: "alert" })), value ? "" : t("workspace.offline"));
  el("app").classList.toggle("is-offline", !value);
}

function listen() {
  const live = new EventSource("/ui/live");
  live.onmessage = () => refresh();
  live.onerror = () => setOnline(false);
  live.onopen = () => setOnline(true);
}

// --- where we are ---

function go(place, threadTs = null) {
  closePopup();
  el("app").classList.remove("menu-open");
  store.threadTs = threadTs;
  if (place !== store.place) {
    store.place = place;
    firstUnread = null;
    const target = place === "home" ? dm()?.id : place;
    if (target && place !== "home") {
      const unread = inChannel(target).find((m) => m.ts > lastRead(target) && m.user !== store.user);
      firstUnread = lastRead(target) === "0" ? null : unread?.ts ?? null;
    }
    history.replaceState(null, "", `#${place}`);
    keep("place", place);
    if (place === "home" || channelOf(place)?.is_im) post("home", { tab: place === "home" ? "home" : "messages" });
  }
  render();
}

function openThread(ts) {
  store.threadTs = ts;
  el("app").classList.add("right-thread");
  render();
  el("thread").querySelector("textarea")?.focus();
}

// A list stays at its end until its reader scrolls away from there; hidden or not.
function following(scroll) {
  scroll.atEnd = true;
  scroll.addEventListener("scroll", () => {
    if (scroll.clientHeight) scroll.atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  });
  return scroll;
}

function toEnd(scroll, messages) {
  const last = messages.at(-1);
  if (last && last.ts !== scroll.lastTs && last.user === store.user) scroll.atEnd = true;
  scroll.lastTs = last?.ts;
  if (scroll.atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function closeThread() {
  store.threadTs = null;
  render();
}

const toolsOpen = () => kept("tools", innerWidth >= 1100);
// On a narrow screen the thread and the tools share one place: the one that was asked for last is seen.
const covered = () => innerWidth < 1500 && Boolean(store.threadTs) && el("app").classList.contains("right-thread");
const toolsSeen = () => toolsOpen() && !covered();

async function toggleTools(open) {
  if (open || !store.threadTs || innerWidth >= 1500) keep("tools", open);
  el("app").classList.toggle("right-thread", !open);
  if (open) await loadDns();
  render();
}

async function become(user) {
  closePopup();
  Object.assign(store, { user, rev: -1, threadTs: null });
  store.messages.clear();
  keep("user", user);
  frame = {};
  lastNotice = null;
  if (store.place !== "home" && store.place?.startsWith("D")) store.place = `D${user.slice(1)}`;
  await refresh();
}

// --- drawing ---

function render() {
  if (!store.seen) return;
  document.title = `${placeName()} - mxcutover`;
  el("thread").hidden = !store.threadTs;
  el("app").classList.toggle("has-thread", Boolean(store.threadTs));
  el("app").classList.toggle("has-tools", toolsOpen());
  renderSidebar();
  renderThread();
  renderMain();
  const tools = el("tools");
  tools.hidden = !toolsOpen();
  tools.closeTools = () => toggleTools(false);
  if (!tools.hidden) renderTools(tools, tools.closeTools);
  renderModal();
}

function placeName() {
  if (store.place === "home" || channelOf(store.place)?.is_im) return store.seen.app.name;
  return `#${channelOf(store.place)?.name || ""}`;
}

function unreadIn(channel) {
  const shown = store.place === channel.id && document.visibilityState === "visible";
  if (shown) return false;
  const read = lastRead(channel.id);
  return [...store.messages.values()].some((m) => m.channel === channel.id && m.ts > read && m.user !== store.user);
}

function renderSidebar() {
  const bot = userOf(store.seen.app.bot_user);
  const direct = dm();
  const row = (props, ...children) => h("li", null, h("button", { type: "button", ...props }, ...children));
  const channels = store.seen.channels.filter((c) => !c.is_im).map((channel) => row({
    class: `place ${store.place === channel.id ? "current" : ""} ${unreadIn(channel) ? "unread" : ""} ${channel.is_archived ? "faded" : ""}`,
    "aria-current": store.place === channel.id ? "page" : null, data: { place: channel.id }, onclick: () => go(channel.id),
  }, icon(channel.is_archived ? "lock" : "hash"), h("span", null, channel.name), unreadIn(channel) && h("span", { class: "dot", "aria-hidden": "true" })));
  const inApp = store.place === "home" || store.place === direct?.id;
  const app = row({
    class: `place ${inApp ? "current" : ""} ${direct && unreadIn(direct) ? "unread" : ""}`, "aria-current": inApp ? "page" : null,
    data: { place: "app" }, onclick: () => go(store.seen.app.home_tab && !(direct && unreadIn(direct)) ? "home" : direct.id),
  }, avatar(bot, "tiny"), h("span", null, store.seen.app.name), direct && unreadIn(direct) && h("span", { class: "dot", "aria-hidden": "true" }));
  const focused = document.activeElement?.closest("#sidebar")?.id && document.activeElement.dataset.place;
  if (el("sidebar").contains(document.activeElement) && document.activeElement.tagName === "SELECT") return;
  put(el("sidebar"),
    h("header", { class: "team" }, h("strong", null, t("workspace.title")), h("small", null, t("workspace.subtitle"))),
    h("div", { class: "side-scroll" },
      h("h2", null, t("workspace.channels")), h("ul", null, channels),
      h("h2", null, t("workspace.apps")), h("ul", null, app)),
    h("footer", { class: "me" },
      h("div", { class: `connection ${store.seen.connected ? "on" : ""}` }, h("span", { class: "lamp", "aria-hidden": "true" }),
        t(store.seen.connected ? "workspace.connected" : "workspace.disconnected")),
      h("label", null, h("span", null, t("workspace.you_are")), switcher()),
      h("label", null, h("span", null, t("workspace.language")), languages())));
  if (focused) el("sidebar").querySelector(`[data-place="${focused}"]`)?.focus();
}

function switcher() {
  const people = store.seen.users.filter((user) => !user.is_bot);
  const node = h("select", { class: "side-select", data: { who: "true" }, onchange: () => { node.blur(); become(node.value); } }, people.map((user) =>
    h("option", { value: user.id }, user.is_restricted ? `${user.real_name} (${t("workspace.guest")})` : user.real_name)));
  node.value = store.user;
  return node;
}

function languages() {
  const node = h("select", {
    class: "side-select", data: { language: "true" },
    onchange: async () => { node.blur(); frame = {}; report(await post("locale", { locale: node.value })); },
  }, h("option", { value: "ja-JP" }, "日本語"), h("option", { value: "en-US" }, "English"));
  node.value = store.lang === "ja" ? "ja-JP" : "en-US";
  return node;
}

function toolsButton() {
  return h("button", {
    type: "button", class: "btn tools-button", "aria-pressed": String(toolsSeen()), data: { tools: "true" }, onclick: () => toggleTools(!toolsSeen()),
  }, icon("tools"), h("span", null, t("workspace.tools")));
}

function menuButton() {
  return h("button", { type: "button", class: "icon-button menu-button", "aria-label": t("workspace.menu"), onclick: () => el("app").classList.toggle("menu-open") }, icon("menu"));
}

function tabs() {
  const direct = dm();
  const tab = (place, key) => h("button", {
    type: "button", role: "tab", class: "tab", "aria-selected": String(store.place === place), data: { tab: place === "home" ? "home" : "messages" }, onclick: () => go(place),
  }, t(key));
  return h("div", { class: "tabs", role: "tablist" }, store.seen.app.home_tab && tab("home", "workspace.home_tab"), tab(direct.id, "workspace.messages_tab"));
}

function renderMain() {
  const channel = channelOf(store.place);
  if (store.place !== "home" && !channel) return go(FIRST);
  const stamp = JSON.stringify([store.user, store.place, store.lang, toolsSeen(), channel?.has_bot, channel?.members.length, kept("welcomed", false)]);
  if (frame.main !== stamp) {
    frame.main = stamp;
    frame.shown = SHOWN_AT_ONCE;
    frame.home = null;
    put(el("main"), store.place === "home" ? homeFrame() : channelFrame(channel));
  }
  if (store.place === "home") return renderHome();
  renderChannel(channel);
}

function homeFrame() {
  return [
    h("header", { class: "main-head" }, menuButton(), avatar(userOf(store.seen.app.bot_user), "small"), h("h1", null, store.seen.app.name), tabs(), h("span", { class: "grow" }), toolsButton()),
    h("div", { class: "home", data: { home: "true" } }),
  ];
}

function renderHome() {
  const view = store.seen.home;
  const holder = el("main").querySelector("[data-home]");
  if (frame.home === (view?.hash || "none") && holder.childNodes.length) return;
  frame.home = view?.hash || "none";
  put(holder, view
    ? renderBlocks(view.blocks, surfaceOf({ view_id: view.id }, view.state.values))
    : h("p", { class: "empty" }, t("workspace.home_empty")));
}

function channelFrame(channel) {
  const app = store.seen.app.name;
  const head = channel.is_im
    ? [avatar(userOf(store.seen.app.bot_user), "small"), h("h1", null, app), tabs()]
    : [h("h1", null, icon(channel.is_archived ? "lock" : "hash"), channel.name),
      channel.topic && h("span", { class: "topic" }, channel.topic),
      h("span", { class: "muted members" }, t("workspace.members", { count: channel.members.length }))];
  const where = channel.is_im ? app : `#${channel.name}`;
  return [
    h("header", { class: "main-head" }, menuButton(), head, h("span", { class: "grow" }), toolsButton()),
    channel.id === FIRST && !kept("welcomed", false) && welcome(),
    following(h("div", { class: "scroll", data: { list: "main" }, tabindex: "0", "aria-label": where },
      h("div", { class: "list-start" }), h("div", { class: "list", role: "log", "aria-live": "polite" }))),
    h("div", { class: "below" },
      h("div", { class: "status", "aria-live": "polite" }),
      channel.is_im && h("div", { class: "prompts" }),
      channel.is_archived ? h("div", { class: "notice" }, t("workspace.archived")) : [
        !channel.has_bot && h("div", { class: "notice" }, t("workspace.bot_absent", { app }), h("button", {
          type: "button", class: "btn small", data: { invite: channel.id }, onclick: async () => report(await post("invite", { channel: channel.id })),
        }, t("workspace.invite"))),
        composer({ channel: channel.id }, t("workspace.composer", { where })),
      ]),
  ];
}

function welcome() {
  const line = (key) => h("li", null, inline(t(key)));
  return h("section", { class: "welcome", "aria-label": t("workspace.welcome_title") },
    h("h2", null, t("workspace.welcome_title")),
    h("ol", null, line("workspace.welcome_1"), line("workspace.welcome_2"), line("workspace.welcome_3")),
    h("button", { type: "button", class: "icon-button", "aria-label": t("workspace.dismiss"), data: { dismiss: "welcome" }, onclick: () => { keep("welcomed", true); render(); } }, icon("close")));
}

function renderChannel(channel) {
  const main = el("main"), scroll = main.querySelector(".scroll");
  const all = inChannel(channel.id);
  const messages = all.slice(-(frame.shown || SHOWN_AT_ONCE));
  renderMessages(main.querySelector(".list"), "main", messages, openThread, firstUnread);
  put(main.querySelector(".list-start"), messages.length < all.length ? earlier(scroll) : messages.length ? "" : h("p", { class: "empty" }, t(channel.is_im ? "workspace.dm_empty" : "workspace.channel_empty")));
  put(main.querySelector(".status"), status(channel.id, ""));
  if (channel.is_im) renderPrompts(channel, messages);
  toEnd(scroll, messages);
  if (document.visibilityState === "visible") {
    const everything = [...store.messages.values()].filter((m) => m.channel === channel.id);
    if (everything.length) markRead(channel.id, everything.map((m) => m.ts).sort().at(-1));
  }
}

function earlier(scroll) {
  return h("button", {
    type: "button", class: "btn earlier", onclick: () => {
      const below = scroll.scrollHeight - scroll.scrollTop;
      frame.shown = (frame.shown || SHOWN_AT_ONCE) + SHOWN_AT_ONCE;
      render();
      scroll.scrollTop = scroll.scrollHeight - below;
    },
  }, t("workspace.earlier"));
}

function renderPrompts(channel, messages) {
  const prompts = channel.prompts?.prompts || (messages.length ? [] : store.seen.app.prompts);
  put(el("main").querySelector(".prompts"), prompts.map((prompt) => h("button", {
    type: "button", class: "prompt", onclick: async () => report(await post("message", { channel: channel.id, text: prompt.message })),
  }, prompt.title)));
}

function status(channel, thread) {
  const found = store.seen.statuses.find((s) => s.channel === channel && s.thread_ts === thread);
  return found ? `${store.seen.app.name} ${found.status}` : "";
}

function renderThread() {
  const pane = el("thread");
  const ts = store.threadTs;
  const channel = channelOf(store.place);
  if (!ts || !channel) { store.threadTs = null; frame.thread = null; pane.hidden = true; return; }
  const stamp = `${store.user} ${channel.id} ${ts} ${store.lang}`;
  if (frame.thread !== stamp) {
    frame.thread = stamp;
    put(pane,
      h("header", { class: "pane-head" }, h("h2", null, t("workspace.thread")), h("span", { class: "muted" }, placeName()),
        h("button", { type: "button", class: "icon-button", "aria-label": t("workspace.thread_close"), onclick: closeThread }, icon("close"))),
      following(h("div", { class: "scroll", tabindex: "0", "aria-label": t("workspace.thread"), data: { list: "thread" } }, h("div", { class: "list", role: "log", "aria-live": "polite" }))),
      h("div", { class: "below" }, h("div", { class: "status" }), !channel.is_archived && composer({ channel: channel.id, thread_ts: ts }, t("workspace.composer_reply"))));
  }
  const scroll = pane.querySelector(".scroll");
  const messages = inThread(channel.id, ts);
  renderMessages(pane.querySelector(".list"), "thread", messages, null, null);
  put(pane.querySelector(".status"), status(channel.id, ts));
  toEnd(scroll, messages);
  if (scroll.clientHeight && document.visibilityState === "visible" && messages.length) markRead(`${channel.id}:${ts}`, messages.at(-1).ts);
}

// --- beginning ---

async function begin() {
  store.texts = await get("/ui/texts");
  store.user = kept("user", STARTERS[store.lang]);
  const hash = location.hash.slice(1);
  store.place = hash || kept("place", FIRST);
  el("app").classList.add("right-thread");
  setUpDialogs();
  if (toolsOpen()) await loadDns();
  await refresh();
  listen();
  setInterval(() => tick(el("tools")), 1000);
  document.addEventListener("visibilitychange", render);
  addEventListener("hashchange", () => location.hash.length > 1 && go(location.hash.slice(1)));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && store.threadTs && !document.querySelector("dialog[open], .menu")) closeThread();
  });
  el("main").querySelector("textarea")?.focus();
}

begin();
