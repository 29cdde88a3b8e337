// Blocks as DOM nodes. `surface` says where they stand and what a click there does.
import { h, icon } from "/page/dom.js";
import { renderElement } from "/page/elements.js";
import { markdown } from "/page/markdown.js";
import { emojiLines, mrkdwn, richText, textObject } from "/page/mrkdwn.js";
import { t } from "/page/store.js";

let inputs = 0;

// surface: {values, act(blockId, element, value, node), chosen(…), entered(…)}
function context(block, surface, more = {}) {
  return {
    blockId: block.block_id,
    values: surface.values,
    text: textObject,
    act: (element, value, node) => surface.act(block, element, value, node),
    chosen: (element, value, node) => surface.chosen(block, element, value, node),
    entered: (element, value, node) => surface.entered(block, element, value, node),
    ...more,
  };
}

export function renderBlocks(blocks, surface) {
  return h("div", { class: "blocks" }, (blocks || []).map((block) => renderBlock(block, surface)));
}

function renderBlock(block, surface) {
  const make = BLOCKS[block.type];
  const node = make ? make(block, surface) : h("div", { class: "unsupported" }, t("workspace.unsupported", { type: block.type }));
  node.classList.add("block", `block-${block.type}`);
  if (block.block_id) node.dataset.block = block.block_id;
  return node;
}

const BLOCKS = {
  divider: () => h("hr"),
  header: (block) => h("div", { role: "heading", "aria-level": "3" }, emojiLines(block.text.text)),
  rich_text: (block) => h("div", null, richText(block)),
  markdown: (block) => h("div", null, markdown(block.text)),
  image: (block) => h("figure", null,
    block.title && h("figcaption", null, emojiLines(block.title.text)),
    h("img", { src: block.image_url, alt: block.alt_text })),
  context: (block) => h("div", null, block.elements.map((element) => element.type === "image"
    ? h("img", { src: element.image_url, alt: element.alt_text, class: "context-image" })
    : h("span", { class: "context-text" }, textObject(element)))),
  actions: (block, surface) => h("div", null, block.elements.map((element) => renderElement(element, context(block, surface)))),
  section,
  input,
  table,
  alert,
  container,
};

function section(block, surface) {
  return h("div", null,
    h("div", { class: "section-body" },
      block.text && h("div", { class: "section-text" }, textObject(block.text)),
      block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "section-field" }, textObject(field))))),
    block.accessory && h("div", { class: "accessory" }, renderElement(block.accessory, context(block, surface, { label: null }))));
}

function input(block, surface) {
  const id = `input${(inputs += 1)}`;
  const grouped = ["checkboxes", "radio_buttons"].includes(block.element.type) || block.element.type.startsWith("multi_");
  const required = !block.optional;
  const element = renderElement(block.element, context(block, surface, { label: block.label.text, inputId: id, required }));
  if (!grouped) element.id = id;
  const describedBy = [];
  const hint = block.hint && h("div", { class: "hint", id: `${id}-hint` }, emojiLines(block.hint.text));
  if (hint) describedBy.push(hint.id);
  describedBy.push(`${id}-error`);
  element.setAttribute("aria-describedby", describedBy.join(" "));
  return h("div", { data: { inputBlock: block.block_id } },
    h(grouped ? "div" : "label", { class: "label", for: grouped ? null : id },
      emojiLines(block.label.text), block.optional && h("span", { class: "optional" }, t("workspace.optional"))),
    element,
    h("div", { class: "input-error", id: `${id}-error`, role: "alert", hidden: true }),
    hint);
}

function cell(value) {
  if (value.type === "rich_text") return richText(value);
  return emojiLines(String(value.text ?? value.value ?? ""));
}

function table(block) {
  const [head, ...rows] = block.rows;
  const align = (index) => `align-${block.column_settings?.[index]?.align || "left"}`;
  const wrap = (index) => (block.column_settings?.[index]?.is_wrapped === false ? "nowrap" : "");
  return h("div", { class: "table-wrap", tabindex: "0" }, h("table", null,
    h("thead", null, h("tr", null, head.map((value, index) => h("th", { class: align(index), scope: "col" }, cell(value))))),
    h("tbody", null, rows.map((row) => h("tr", null, row.map((value, index) => h("td", { class: `${align(index)} ${wrap(index)}` }, cell(value))))))));
}

function alert(block) {
  const level = block.level || "default";
  const glyph = { success: "check", warning: "alert", error: "alert" }[level] || "info";
  return h("div", { class: `alert-${level}`, role: level === "error" ? "alert" : "note" },
    icon(glyph), h("div", null, block.text.type === "mrkdwn" ? mrkdwn(block.text.text) : emojiLines(block.text.text)));
}

function container(block, surface) {
  const title = [
    block.icon && h("img", { src: block.icon.image_url, alt: block.icon.alt_text, class: "context-image" }),
    h("div", { class: "container-title" },
      block.rich_text_title ? richText(block.rich_text_title) : emojiLines(block.title.text),
      block.subtitle && h("small", null, textObject(block.subtitle))),
  ];
  const body = h("div", { class: "container-body" }, block.child_blocks.map((child) => renderBlock(child, surface)));
  if (!block.is_collapsible) {
    return h("div", { class: `width-${block.width || "standard"}` },
      h("div", { class: `container-head ${block.has_header_divider ? "divided" : ""}` }, title), body);
  }
  return h("details", { class: `width-${block.width || "standard"}`, open: !block.default_collapsed },
    h("summary", { class: "container-head" }, icon("chevron"), title), body);
}
