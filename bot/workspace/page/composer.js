// The box for typing: commands with suggestions, mentions, Enter to send (not while an input method composes).
import { report } from "/page/dialogs.js";
import { h, icon, popup, put } from "/page/dom.js";
import { post, store, t } from "/page/store.js";

const drafts = new Map();

const VERBS = [
  ["start example.co.jp", "workspace.verb_start"],
  ["status", "workspace.verb_status"],
  ["check example.co.jp", "workspace.verb_check"],
  ["list", "workspace.verb_list"],
  ["ask", "workspace.verb_ask", "workspace.example_ask"],
  ["cancel example.co.jp", "workspace.verb_cancel"],
  ["help", "workspace.verb_help"],
];

// `place`: {channel, thread_ts}. Redrawn only where the place or language changes.
export function composer(place, placeholder) {
  const key = `${store.user} ${place.channel} ${place.thread_ts || ""}`;
  const list = h("div", { class: "suggestions", role: "listbox", "aria-label": t("workspace.suggestions"), hidden: true });
  const box = h("textarea", {
    class: "composer-text", rows: 1, placeholder, "aria-label": placeholder, value: drafts.get(key) || "", autocomplete: "off",
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", data: { composer: place.thread_ts ? "thread" : "main" },
    oninput: changed, onkeydown: pressed, onblur: () => setTimeout(hide, 150),
  });
  const send = h("button", { type: "button", class: "send", "aria-label": t("workspace.send"), title: t("workspace.send"), onclick: submit }, icon("send"));
  const bolt = h("button", {
    type: "button", class: "icon-button", "aria-label": t("workspace.shortcuts"), title: t("workspace.shortcuts"), "aria-haspopup": "menu",
    onclick: () => popup(bolt, t("workspace.shortcuts"), globalShortcuts()),
  }, icon("bolt"));
  let suggested = [], chosen = -1;

  function changed() {
    drafts.set(key, box.value);
    grow();
    suggest();
    send.classList.toggle("ready", Boolean(box.value.trim()));
  }

  function grow() {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 200)}px`;
  }

  function suggest() {
    suggested = suggestions(box.value, place);
    const exact = suggested.some((item) => box.value.endsWith(item.text));
    chosen = suggested.length && !exact && !/^\/.*\s/.test(box.value) ? 0 : -1;
    put(list, suggested.map((item, index) => h("div", {
      class: "suggestion", role: "option", "aria-selected": String(index === chosen), id: `option${index}`,
      onpointerdown: (event) => { event.preventDefault(); take(index); },
    }, h("strong", null, item.text), h("span", null, item.note))));
    list.hidden = !suggested.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
  }

  function hide() {
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
  }

  function take(index) {
    box.value = suggested[index].value;
    hide();
    changed();
    hide();
    box.focus();
  }

  function move(step) {
    chosen = (chosen + step + suggested.length) % suggested.length;
    [...list.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === chosen)));
    box.setAttribute("aria-activedescendant", `option${chosen}`);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  }

  function pressed(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      move(event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    } else if (!list.hidden && event.key === "Tab" && suggested.length) {
      take(Math.max(chosen, 0));
      event.preventDefault();
    } else if (event.key === "Escape" && !list.hidden) {
      hide();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (!list.hidden && chosen >= 0) take(chosen);
      else submit();
    }
  }

  async function submit() {
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    changed();
    hide();
    const answer = await post("message", { channel: place.channel, thread_ts: place.thread_ts, text });
    if (!report(answer) && answer.error !== "operation_timeout" && !box.value) {
      box.value = text;
      changed();
      hide();
    }
  }

  const node = h("div", { class: "composer" }, list,
    h("div", { class: "composer-box" }, box, h("div", { class: "composer-bar" }, bolt, send)));
  queueMicrotask(() => { grow(); send.classList.toggle("ready", Boolean(box.value.trim())); });
  return node;
}

function globalShortcuts() {
  const shortcuts = store.seen.app.shortcuts.filter((shortcut) => shortcut.kind === "global");
  if (!shortcuts.length) return [{ text: t("workspace.no_shortcuts"), disabled: true, act: () => {} }];
  return shortcuts.map((shortcut) => ({
    text: shortcut.name, note: shortcut.description || store.seen.app.name, data: { callback: shortcut.callback_id },
    act: async () => report(await post("shortcut", { callback_id: shortcut.callback_id })),
  }));
}

function suggestions(typed, place) {
  if (typed.startsWith("/") && !place.thread_ts) return commands(typed);
  const mention = typed.match(/(?:^|\s)@([^\s@]*)$/);
  if (!mention) return [];
  const head = typed.slice(0, typed.length - mention[1].length - 1);
  return store.seen.users
    .filter((user) => user.id !== store.user && [user.name, user.real_name].some((name) => name.toLowerCase().startsWith(mention[1].toLowerCase())))
    .map((user) => ({ text: `@${user.name}`, note: user.real_name, value: `${head}@${user.name} ` }));
}

function commands(typed) {
  const all = store.seen.app.commands.flatMap(({ command, description }) => [
    { text: command, note: description, value: `${command} ` },
    ...(command === "/mxcutover" ? VERBS.map(([verb, key, example]) => {
      const text = [command, verb, example && t(example)].filter(Boolean).join(" ");
      return { text, note: t(key), value: text };
    }) : []),
  ]);
  const near = (item) => item.text.startsWith(typed.trimEnd()) || typed.startsWith(item.value.trim() + " ");
  const found = all.filter((item) => item.text.startsWith(typed.trimEnd()) && item.value !== typed);
  return found.length || !all.some(near) ? found : [];
}
