// Builds elements. Text is always set as text: nothing that came from a server is parsed as HTML.

export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, clean(value));
    else if (name in node && !name.startsWith("aria") && name !== "list" && name !== "role") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

function clean(data) {
  return Object.fromEntries(Object.entries(data).filter(([, v]) => v !== undefined && v !== null));
}

export function put(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return parent;
}

// Icons are drawn here: a few strokes on a 20x20 grid.
const PATHS = {
  hash: "M7.5 3 6 17M14 3l-1.5 14M3.5 7.5h14M2.5 12.5h14",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  send: "M3 10 17 3.5 11.5 17 9.5 11z",
  close: "M5 5l10 10M15 5 5 15",
  thread: "M3 4h14v9H9l-4 3.5V13H3zM6.5 7h7M6.5 10h4.5",
  more: "M10 4.5v.01M10 10v.01M10 15.5v.01",
  dots: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  bolt: "M11 2 4.5 11.5H10L9 18l6.5-9.5H10z",
  tools: "M10 5.5V10l3 2M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15z",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  plus: "M10 4v12M4 10h12",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 8.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6z",
  check: "M4 10.5 8.5 15 16 5.5",
  chevron: "M7 4.5 12.5 10 7 15.5",
  file: "M5 2.5h7l3.5 3.5v11.5H5zM12 2.5V6h3.5",
  alert: "M10 3 18 17H2zM10 8v4M10 14.5v.01",
  info: "M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15zM10 9v5M10 6v.01",
};

export function icon(name, label) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

const COLOURS = 6;

export function avatar(user, size = "") {
  const bot = user.is_bot;
  const letters = bot ? "MX" : initials(user.real_name);
  const colour = [...user.id].reduce((sum, c) => sum + c.charCodeAt(0), 0) % COLOURS;
  return h("span", { class: `avatar ${size} ${bot ? "bot" : `tint${colour}`}`, "aria-hidden": "true" }, letters);
}

function initials(name) {
  if (/^[ -~]+$/.test(name)) return name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
  return name.slice(0, 1);
}

// One open popup menu at a time, at its button, closed by Escape, a click elsewhere, or a choice.
let openMenu = null;

export function popup(anchor, label, items) {
  const again = openMenu && openMenu.anchor === anchor;
  closePopup();
  if (again) return;
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label },
    items.map((item) => h("button", {
      class: `menu-item ${item.danger ? "danger" : ""}`, role: "menuitem", type: "button", disabled: item.disabled,
      data: item.data,
      onclick: () => { closePopup(); anchor.focus(); item.act(); },
    }, h("span", null, item.text), item.note && h("small", null, item.note))));
  menu.addEventListener("keydown", (event) => {
    const buttons = [...menu.querySelectorAll("button:not(:disabled)")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "ArrowDown") buttons[(at + 1) % buttons.length]?.focus();
    else if (event.key === "ArrowUp") buttons[(at - 1 + buttons.length) % buttons.length]?.focus();
    else if (event.key === "Escape") { closePopup(); anchor.focus(); event.stopPropagation(); }
    else return;
    event.preventDefault();
  });
  (anchor.closest("dialog") || document.body).append(menu);
  const box = anchor.getBoundingClientRect();
  const width = menu.offsetWidth, height = menu.offsetHeight;
  menu.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
  menu.style.top = `${box.bottom + height + 8 < innerHeight ? box.bottom + 4 : Math.max(8, box.top - height - 4)}px`;
  anchor.setAttribute("aria-expanded", "true");
  openMenu = { menu, anchor };
  menu.querySelector("button:not(:disabled)")?.focus();
  setTimeout(() => document.addEventListener("pointerdown", outside));
}

function outside(event) {
  if (openMenu && !openMenu.menu.contains(event.target) && !openMenu.anchor.contains(event.target)) closePopup();
}

export function closePopup() {
  if (!openMenu) return;
  openMenu.menu.remove();
  openMenu.anchor.setAttribute("aria-expanded", "false");
  openMenu = null;
  document.removeEventListener("pointerdown", outside);
}
