// Confirmations, modals and toasts.
import { h, icon, put } from "/page/dom.js";
import { renderBlocks } from "/page/blocks.js";
import { valuesIn } from "/page/elements.js";
import { emojiNodes, textObject } from "/page/mrkdwn.js";
import { has, post, store, t } from "/page/store.js";

// --- toasts ---

export function toast(text, kind = "error") {
  const area = document.getElementById("toasts");
  const node = h("div", { class: `toast ${kind}` },
    h("span", null, text),
    h("button", { type: "button", class: "icon-button", "aria-label": t("workspace.dismiss"), onclick: () => node.remove() }, icon("close")));
  if (kind === "good") for (const old of area.querySelectorAll(".good")) old.remove();
  area.append(node);
  while (area.children.length > 3) area.firstChild.remove();
  setTimeout(() => node.remove(), kind === "error" ? 8000 : 4000);
}

export function errorText(code, args = {}) {
  const key = `workspace.error_${code}`;
  return has(key) ? t(key, args) : t("workspace.error_other", { code });
}

// Tell of an answer that was a refusal. What the server notifies by itself comes with the next snapshot.
const NOTIFIED = new Set(["operation_timeout", "dispatch_failed", "invalid_command"]);

export function report(answer) {
  if (!answer.ok && answer.error && !NOTIFIED.has(answer.error)) toast(errorText(answer.error));
  return answer.ok;
}

// --- confirmation ---

export function confirmed(confirm) {
  if (!confirm) return Promise.resolve(true);
  const dialog = document.getElementById("confirm");
  return new Promise((resolve) => {
    let answer = false;
    const done = (value) => { answer = value; dialog.close(); };
    put(dialog, h("div", { class: "modal-card small" },
      h("header", null, h("h2", { id: "confirm-title" }, emojiNodes(confirm.title.text))),
      h("div", { class: "modal-body" }, textObject(confirm.text)),
      h("footer", null,
        h("button", { type: "button", class: "btn", data: { confirm: "deny" }, onclick: () => done(false) }, emojiNodes(confirm.deny.text)),
        h("button", {
          type: "button", class: `btn ${confirm.style === "danger" ? "danger solid" : "primary"}`, data: { confirm: "yes" }, onclick: () => done(true),
        }, emojiNodes(confirm.confirm.text)))));
    dialog.setAttribute("aria-labelledby", "confirm-title");
    dialog.addEventListener("close", () => resolve(answer), { once: true });
    dialog.showModal();
  });
}

// What a click in a message or view does: confirm, send, show that it is under way.
export function surfaceOf(place, values, before = async () => {}) {
  const send = async (block, element, value, node) => {
    if (!(await confirmed(element.confirm))) return false;
    await before();
    const busy = node?.classList.contains("btn") ? node : null;
    busy?.classList.add("busy");
    busy?.setAttribute("aria-busy", "true");
    const answer = await post("action", { ...place, block_id: block.block_id, action_id: element.action_id, value });
    busy?.classList.remove("busy");
    busy?.removeAttribute("aria-busy");
    report(answer);
    return answer.ok || NOTIFIED.has(answer.error);
  };
  const entered = async (block, element, value, node) => {
    if (block.type !== "input" || block.dispatch_action) return send(block, element, value, node);
    document.getElementById("modal").querySelector("[data-submit]")?.click();
    return true;
  };
  const chosen = async (block, element, value, node) =>
    block.type !== "input" || block.dispatch_action ? send(block, element, value, node) : true;
  return { values, act: send, chosen, entered };
}

// --- modals ---

let shown = { id: null, hash: null };

export function renderModal() {
  const dialog = document.getElementById("modal");
  const view = store.seen.modal.at(-1);
  if (!view) {
    if (dialog.open) dialog.close();
    shown = { id: null, hash: null };
    return;
  }
  if (view.id === shown.id && view.hash === shown.hash) return;
  const entered = view.id === shown.id ? valuesIn(dialog) : {};
  const focused = view.id === shown.id ? document.activeElement?.dataset : null;
  shown = { id: view.id, hash: view.hash };
  dialog.dataset.viewId = view.id;
  dialog.setAttribute("aria-labelledby", "modal-title");
  put(dialog, card(dialog, view, merged(view, entered)));
  if (!dialog.open) dialog.showModal();
  focusIn(dialog, focused);
}

// What was typed and not yet sent stays where the input is still the same.
function merged(view, entered) {
  const values = structuredClone(view.state.values);
  for (const [blockId, actions] of Object.entries(entered)) {
    for (const [actionId, value] of Object.entries(actions)) {
      if (values[blockId]?.[actionId] && value !== "" && value !== null) values[blockId][actionId] = { value };
    }
  }
  return values;
}

function focusIn(dialog, focused) {
  const again = focused?.actionId && [...dialog.querySelectorAll("[data-action-id]")]
    .find((node) => node.dataset.actionId === focused.actionId && node.dataset.blockId === focused.blockId);
  const first = again || dialog.querySelector("[autofocus]") || dialog.querySelector(".block-input .field, .block-input input");
  (first || dialog.querySelector("[data-submit]") || dialog.querySelector("button"))?.focus();
}

function card(dialog, view, values) {
  const place = { view_id: view.id };
  const fill = () => post("fill", { ...place, values: valuesIn(dialog) });
  const submit = h("button", {
    type: "button", class: "btn primary solid", data: { submit: "true" },
    onclick: () => send(dialog, view, submit),
  }, view.submit && emojiNodes(view.submit.text));
  return h("div", { class: "modal-card" },
    h("header", null,
      h("h2", { id: "modal-title" }, emojiNodes(view.title.text)),
      h("button", { type: "button", class: "icon-button", "aria-label": t("workspace.close"), data: { close: "true" }, onclick: close }, icon("close"))),
    h("div", { class: "modal-problem", role: "alert", hidden: true }),
    h("div", { class: "modal-body" }, renderBlocks(view.blocks, surfaceOf(place, values, fill))),
    h("footer", null,
      h("button", { type: "button", class: "btn", data: { cancel: "true" }, onclick: close },
        view.close ? emojiNodes(view.close.text) : t(view.submit ? "workspace.cancel" : "workspace.close")),
      view.submit && submit));
}

async function close() {
  report(await post("close", {}));
}

async function send(dialog, view, button) {
  if (button.classList.contains("busy")) return;
  button.classList.add("busy");
  for (const node of dialog.querySelectorAll(".input-error")) node.hidden = true;
  for (const node of dialog.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
  const problem = dialog.querySelector(".modal-problem");
  problem.hidden = true;
  const answer = await post("submit", { view_id: view.id, values: valuesIn(dialog) });
  button.classList.remove("busy");
  if (answer.ok) return;
  if (answer.errors) showErrors(dialog, answer.errors);
  else put(problem, errorText(answer.error)).hidden = false;
}

function showErrors(dialog, errors) {
  let first = null;
  for (const [blockId, error] of Object.entries(errors)) {
    const block = [...dialog.querySelectorAll("[data-input-block]")].find((node) => node.dataset.inputBlock === blockId);
    if (!block) continue;
    const text = typeof error === "string" ? error : t(`workspace.problem_${error.code}`, error);
    put(block.querySelector(".input-error"), text).hidden = false;
    const input = block.querySelector("[data-action-id]");
    input?.setAttribute("aria-invalid", "true");
    first ??= input;
  }
  first?.focus();
  first?.scrollIntoView({ block: "center" });
}

export function setUpDialogs() {
  const dialog = document.getElementById("modal");
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
}
