// The `markdown` block: the common part of Markdown, as DOM nodes.
import { h } from "/page/dom.js";
import { emojiNodes, link } from "/page/mrkdwn.js";

export function markdown(text) {
  const nodes = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    const heading = line.match(/^(#{1,6})\s+(.*)$/);
    const fence = line.match(/^```/);
    const item = line.match(/^\s*([-*+]|\d+\.)\s+(.*)$/);
    if (!line.trim()) i += 1;
    else if (fence) {
      const end = lines.findIndex((other, at) => at > i && other.startsWith("```"));
      const last = end < 0 ? lines.length : end;
      nodes.push(h("pre", { class: "code" }, lines.slice(i + 1, last).join("\n")));
      i = last + 1;
    } else if (heading) {
      nodes.push(h("div", { class: "md-heading", role: "heading", "aria-level": String(heading[1].length + 2) }, spans(heading[2])));
      i += 1;
    } else if (/^(-{3,}|\*{3,})$/.test(line.trim())) {
      nodes.push(h("hr"));
      i += 1;
    } else if (line.startsWith(">")) {
      const [quoted, next] = take(lines, i, (other) => other.startsWith(">"));
      nodes.push(h("blockquote", null, paragraphs(quoted.map((other) => other.replace(/^> ?/, "")))));
      i = next;
    } else if (item) {
      const [items, next] = take(lines, i, (other) => /^\s*([-*+]|\d+\.)\s+/.test(other));
      const tag = /\d/.test(item[1]) ? "ol" : "ul";
      nodes.push(h(tag, null, items.map((other) => listItem(other))));
      i = next;
    } else if (line.includes("|") && /^[\s|:-]+$/.test(lines[i + 1] || "") && lines[i + 1].includes("-")) {
      const [rows, next] = take(lines, i, (other) => other.includes("|"));
      nodes.push(table(rows));
      i = next;
    } else {
      const [plain, next] = take(lines, i, (other) => other.trim() && !/^(#{1,6}\s|```|>|\s*([-*+]|\d+\.)\s)/.test(other));
      nodes.push(h("p", null, paragraphs(plain)));
      i = next;
    }
  }
  return nodes;
}

function take(lines, from, fits) {
  let end = from + 1;
  while (end < lines.length && fits(lines[end])) end += 1;
  return [lines.slice(from, end), end];
}

const paragraphs = (lines) => lines.flatMap((line, index) => (index ? [h("br"), ...spans(line)] : spans(line)));

function listItem(line) {
  const text = line.replace(/^\s*([-*+]|\d+\.)\s+/, "");
  const task = text.match(/^\[([ xX])\]\s+(.*)$/);
  if (!task) return h("li", null, spans(text));
  return h("li", { class: "task" }, task[1] === " " ? "☐ " : "☑ ", spans(task[2]));
}

function table(rows) {
  const cells = (row) => row.replace(/^\s*\||\|\s*$/g, "").split("|").map((cell) => cell.trim());
  const [head, , ...body] = rows;
  return h("div", { class: "table-wrap" }, h("table", null,
    h("thead", null, h("tr", null, cells(head).map((cell) => h("th", null, spans(cell))))),
    h("tbody", null, body.map((row) => h("tr", null, cells(row).map((cell) => h("td", null, spans(cell))))))));
}

const SPANS = /(`[^`]+`)|(\*\*[^*]+\*\*|__[^_]+__)|(\*[^*\s][^*]*\*|(?<!\w)_[^_\s][^_]*_(?!\w))|(~~[^~]+~~)|\[([^\]]+)\]\(([^)\s]+)\)|(https?:\/\/[^\s)]+)/;

function spans(text) {
  const nodes = [];
  let rest = text;
  for (let found = rest.match(SPANS); found; found = rest.match(SPANS)) {
    nodes.push(...emojiNodes(rest.slice(0, found.index)));
    const [whole, code, bold, italic, strike, label, target, url] = found;
    if (code) nodes.push(h("code", null, code.slice(1, -1)));
    else if (bold) nodes.push(h("strong", null, spans(bold.slice(2, -2))));
    else if (italic) nodes.push(h("em", null, spans(italic.slice(1, -1))));
    else if (strike) nodes.push(h("s", null, spans(strike.slice(2, -2))));
    else nodes.push(link(target || url, label));
    rest = rest.slice(found.index + whole.length);
  }
  return [...nodes, ...emojiNodes(rest)];
}
