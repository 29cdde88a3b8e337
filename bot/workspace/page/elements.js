// Interactive elements. Each knows the value it holds now (`valueIn`), and tells `ctx.act` of a click or choice.
import { h, icon, popup } from "/page/dom.js";
import { emojiNodes } from "/page/mrkdwn.js";
import { store, t } from "/page/store.js";
import { fromWall, toWall } from "/page/times.js";

const readers = new WeakMap();

// All values entered below `root`: {block_id: {action_id: value}}.
export function valuesIn(root) {
  const values = {};
  for (const node of root.querySelectorAll("[data-action-id]")) {
    const read = readers.get(node);
    if (read) (values[node.dataset.blockId] ??= {})[node.dataset.actionId] = read();
  }
  return values;
}

// The simple value in an entry of state.values.
export function simple(entry) {
  if (!entry) return undefined;
  if ("value" in entry) return entry.value;
  const key = Object.keys(entry).find((name) => name.startsWith("selected_"));
  const held = entry[key];
  if (Array.isArray(held)) return held.map((item) => item?.value ?? item);
  return held && typeof held === "object" ? held.value : held;
}

function start(element, ctx) {
  const kept = simple(ctx.values?.[ctx.blockId]?.[element.action_id]);
  if (kept !== undefined) return kept;
  if (element.initial_value !== undefined) return element.initial_value;
  if (element.initial_option) return element.initial_option.value;
  if (element.initial_options) return element.initial_options.map((option) => option.value);
  for (const name of Object.keys(element)) {
    if (/^initial_(date|time|user|conversation|channel)/.test(name)) return element[name];
  }
  return undefined;
}

const plain = (text) => (text ? emojiNodes(text.text) : []);
const NAMES = { datepicker: "workspace.pick_date", timepicker: "workspace.pick_time", datetimepicker: "workspace.pick_moment" };
const label = (element, ctx) => element.accessibility_label || ctx.label || element.placeholder?.text || element.text?.text
  || t(NAMES[element.type] || "workspace.choose");

function mark(node, element, ctx, read) {
  node.dataset.actionId = element.action_id;
  node.dataset.blockId = ctx.blockId;
  if (read) readers.set(node, read);
  return node;
}

const KINDS = {
  button, workflow_button: button, overflow, static_select: select, multi_static_select: multi,
  users_select: select, multi_users_select: multi, channels_select: select, multi_channels_select: multi,
  conversations_select: select, multi_conversations_select: multi, radio_buttons: choices, checkboxes: choices,
  datepicker: picker, timepicker: picker, datetimepicker: picker,
  plain_text_input: text, email_text_input: text, url_text_input: text, number_input: text, image,
};

export function renderElement(element, ctx) {
  const kind = KINDS[element.type];
  return kind ? kind(element, ctx) : h("span", { class: "unsupported" }, t("workspace.unsupported", { type: element.type }));
}

function image(element) {
  return h("img", { src: element.image_url, alt: element.alt_text, class: "thumb" });
}

function button(element, ctx) {
  const node = h("button", {
    type: "button", class: `btn ${element.style || ""}`, "aria-label": element.accessibility_label, title: null,
    onclick: () => {
      if (element.url) open(element.url, "_blank", "noreferrer,noopener");
      ctx.act(element, element.value ?? null, node);
    },
  }, plain(element.text));
  return mark(node, element, ctx);
}

function overflow(element, ctx) {
  const node = h("button", {
    type: "button", class: "btn overflow", "aria-haspopup": "menu", "aria-label": t("workspace.more"),
    onclick: () => popup(node, t("workspace.more"), element.options.map((option) => ({
      text: option.text.text, note: option.description?.text, data: { value: option.value },
      act: () => {
        if (option.url) open(option.url, "_blank", "noreferrer,noopener");
        ctx.act(element, option.value, node);
      },
    }))),
  }, icon("dots"));
  return mark(node, element, ctx);
}

// [{group, value, text, note}]
function optionsOf(element) {
  const each = (option, group) => ({ group, value: option.value, text: option.text.text, note: option.description?.text });
  if (element.option_groups) {
    return element.option_groups.flatMap((group) => group.options.map((option) => each(option, group.label.text)));
  }
  if (element.options) return element.options.map((option) => each(option));
  if (element.type.includes("users")) return store.seen.users.map((user) => ({ value: user.id, text: user.real_name }));
  return store.seen.channels.filter((c) => !c.is_im).map((c) => ({ value: c.id, text: `#${c.name}` }));
}

function select(element, ctx) {
  const options = optionsOf(element);
  const chosen = start(element, ctx) ?? "";
  const made = (option) => h("option", { value: option.value }, option.note ? `${option.text} — ${option.note}` : option.text);
  const groups = [...new Set(options.map((option) => option.group))];
  const node = h("select", { class: "field select", "aria-label": label(element, ctx) },
    h("option", { value: "" }, element.placeholder?.text || t("workspace.choose")),
    groups.map((group) => {
      const inside = options.filter((option) => option.group === group).map(made);
      return group ? h("optgroup", { label: group }, inside) : inside;
    }));
  node.value = chosen;
  let last = node.value;
  node.addEventListener("change", async () => {
    if (!(await ctx.chosen(element, node.value || null, node))) node.value = last;
    last = node.value;
  });
  return mark(node, element, ctx, () => node.value || null);
}

function multi(element, ctx) {
  const options = optionsOf(element);
  const chosen = new Set(start(element, ctx) || []);
  const summary = h("summary", { class: "field select" });
  const show = () => {
    const texts = options.filter((option) => chosen.has(option.value)).map((option) => option.text);
    summary.replaceChildren(texts.length ? texts.join(", ") : h("span", { class: "placeholder" }, element.placeholder?.text || t("workspace.choose_many")));
  };
  show();
  const boxes = options.map((option) => h("label", { class: "choice" },
    h("input", {
      type: "checkbox", value: option.value, checked: chosen.has(option.value),
      onchange: (event) => {
        event.target.checked ? chosen.add(option.value) : chosen.delete(option.value);
        show();
        ctx.chosen(element, [...chosen], event.target);
      },
    }), h("span", null, option.text)));
  const node = h("details", { class: "multi" }, summary, h("div", { class: "multi-list", role: "group", "aria-label": label(element, ctx) }, boxes));
  node.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !node.contains(event.relatedTarget)) node.open = false;
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && node.open) { node.open = false; summary.focus(); event.preventDefault(); event.stopPropagation(); }
  });
  return mark(node, element, ctx, () => options.map((o) => o.value).filter((value) => chosen.has(value)));
}

let group = 0;

function choices(element, ctx) {
  const many = element.type === "checkboxes";
  const begun = start(element, ctx) ?? (many ? [] : null);
  const name = `choice${(group += 1)}`;
  const read = () => {
    const on = [...node.querySelectorAll("input:checked")].map((input) => input.value);
    return many ? on : on[0] ?? null;
  };
  const node = h("div", { class: "choices", role: many ? "group" : "radiogroup", "aria-label": label(element, ctx) },
    element.options.map((option) => h("label", { class: "choice" },
      h("input", {
        type: many ? "checkbox" : "radio", name, value: option.value,
        checked: many ? begun.includes(option.value) : begun === option.value,
        onchange: (event) => ctx.chosen(element, read(), event.target),
      }),
      h("span", null, ctx.text(option.text), option.description && h("small", null, ctx.text(option.description))))));
  return mark(node, element, ctx, read);
}

const PICKERS = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" };

function picker(element, ctx) {
  const moment = element.type === "datetimepicker";
  const begun = start(element, ctx);
  const node = h("input", { type: PICKERS[element.type], class: "field", "aria-label": label(element, ctx) });
  node.value = begun === undefined || begun === null ? "" : moment ? toWall(new Date(begun * 1000)) : begun;
  const read = () => {
    if (!node.value) return null;
    return moment ? Math.floor(fromWall(node.value) / 1000) : node.value;
  };
  node.addEventListener("change", () => ctx.chosen(element, read(), node));
  return mark(node, element, ctx, read);
}

function text(element, ctx) {
  const props = {
    class: "field", placeholder: element.placeholder?.text || "", "aria-label": ctx.label ? null : label(element, ctx),
    id: ctx.inputId, autocomplete: "off", spellcheck: false,
    "aria-required": ctx.required ? "true" : null,
  };
  const types = { email_text_input: "email", url_text_input: "url" };
  const node = element.multiline
    ? h("textarea", { ...props, rows: 4 })
    : h("input", { ...props, type: types[element.type] || "text", inputMode: element.type === "number_input" ? "decimal" : null });
  node.value = start(element, ctx) ?? "";
  if (element.focus_on_load) node.autofocus = true;
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing && !element.multiline) {
      event.preventDefault();
      ctx.entered(element, node.value, node);
    }
  });
  return mark(node, element, ctx, () => node.value);
}
