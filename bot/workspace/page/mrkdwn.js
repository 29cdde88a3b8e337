// Slack's mrkdwn, plain text and rich text as DOM nodes. Formatting marks count only at word edges, as in Slack:
// *太字*です stays as it is, *太字* です is bold.
import { h } from "/page/dom.js";
import { DRAWN, drawing, emojiOf } from "/page/emoji.js";
import { channelOf, userOf } from "/page/store.js";
import { slackDate } from "/page/times.js";

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const WORD = /[\p{L}\p{N}_]/u;
const MARKS = { "*": "strong", _: "em", "~": "s" };

export function mrkdwn(text) {
  const nodes = [];
  text.split(/```(?:\n)?([\s\S]*?)```/).forEach((part, index) => {
    if (index % 2) nodes.push(h("pre", { class: "code" }, inCode(part.replace(/\n$/, ""))));
    else if (part) nodes.push(...lines(part, index > 0));
  });
  return nodes;
}

function inCode(text) {
  return unescape(text.replace(/<([^>|]*)(?:\|([^>]*))?>/g, (_, target, label) => label ?? target));
}

function lines(text, afterCode) {
  const nodes = [];
  let quote = null;
  (afterCode ? text.replace(/^\n/, "") : text).split("\n").forEach((line, index) => {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quoted) {
      if (quote) quote.append(h("br"));
      else nodes.push((quote = h("blockquote", null)));
      quote.append(...inline(quoted[1]));
      return;
    }
    if (index > 0 && !quote) nodes.push(h("br"));
    quote = null;
    nodes.push(...inline(line));
  });
  return nodes;
}

export function inline(text) {
  const nodes = [];
  let plainText = "";
  const flush = () => {
    if (plainText) nodes.push(...emojiNodes(unescape(plainText)));
    plainText = "";
  };
  for (let i = 0; i < text.length;) {
    const found = code(text, i) || angle(text, i) || marked(text, i);
    if (found) {
      flush();
      nodes.push(found.node);
      i = found.end;
    } else {
      plainText += text[i];
      i += 1;
    }
  }
  flush();
  return nodes;
}

function code(text, i) {
  if (text[i] !== "`") return null;
  const end = text.indexOf("`", i + 1);
  if (end <= i + 1) return null;
  return { node: h("code", null, inCode(text.slice(i + 1, end))), end: end + 1 };
}

function angle(text, i) {
  if (text[i] !== "<") return null;
  const end = text.indexOf(">", i);
  if (end < 0) return null;
  const [target, ...label] = text.slice(i + 1, end).split("|");
  return { node: reference(target, label.length ? unescape(label.join("|")) : null), end: end + 1 };
}

function reference(target, label) {
  if (target.startsWith("@")) return mention(target.slice(1));
  if (target.startsWith("#")) {
    const id = target.slice(1), channel = channelOf(id);
    return h("a", { class: "mention", href: `#${id}` }, `#${channel?.name || label || id}`);
  }
  if (target.startsWith("!date^")) {
    const [, seconds, pattern] = target.split("^");
    return h("time", { title: label || "" }, slackDate(seconds, pattern));
  }
  if (target.startsWith("!")) {
    const name = target.slice(1).split("^")[0];
    return h("span", { class: "mention loud" }, label || `@${name}`);
  }
  return link(unescape(target), label);
}

export function mention(id) {
  return h("span", { class: "mention" }, `@${userOf(id).real_name}`);
}

export function link(target, label) {
  const safe = /^(https?:|mailto:)/i.test(target);
  const shown = label || target.replace(/^mailto:/, "");
  return safe ? h("a", { href: target, target: "_blank", rel: "noreferrer noopener" }, shown) : h("span", null, shown);
}

function marked(text, i) {
  const tag = MARKS[text[i]];
  if (!tag || (i > 0 && WORD.test(before(text, i))) || /\s|^$/.test(text[i + 1] ?? "")) return null;
  for (let end = text.indexOf(text[i], i + 1); end > 0; end = text.indexOf(text[i], end + 1)) {
    if (end > i + 1 && !/\s/.test(text[end - 1]) && !WORD.test(after(text, end + 1))) {
      return { node: h(tag, null, ...inline(text.slice(i + 1, end))), end: end + 1 };
    }
  }
  return null;
}

const before = (text, i) => [...text.slice(Math.max(0, i - 2), i)].pop() ?? "";
const after = (text, i) => String.fromCodePoint(text.codePointAt(i) ?? 32);

export function emojiNodes(text) {
  return text.split(/(:[a-z0-9_+'-]+(?:::skin-tone-\d)?:)/).flatMap((part, index) => {
    const character = index % 2 ? emojiOf(part.slice(1, -1)) : null;
    return character ? emoji(character, part.slice(1, -1)) : withDrawings(part);
  });
}

function withDrawings(text) {
  return text.split(DRAWN).filter(Boolean).map((part) => (drawing(part) ? emoji(part) : part));
}

// The character stays in the text; what is seen is a drawing where there is one, whatever fonts are installed.
function emoji(character, name) {
  const picture = drawing(character);
  const node = h("span", { class: `emoji ${picture ? "drawn" : ""}`, title: name && `:${name}:` }, character);
  if (picture) node.style.backgroundImage = `url("${picture}")`;
  return node;
}

export function textObject(object) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text) : emojiLines(object.text);
}

export function emojiLines(text) {
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), ...emojiNodes(line)] : emojiNodes(line)));
}

// --- rich_text ---

export function richText(block) {
  return block.elements.map((element) => {
    const children = (element.elements || []).map(richElement);
    if (element.type === "rich_text_preformatted") return h("pre", { class: "code" }, children);
    if (element.type === "rich_text_quote") return h("blockquote", null, children);
    if (element.type === "rich_text_list") {
      const tag = element.style === "ordered" ? "ol" : "ul";
      const items = element.elements.map((item) => h("li", null, (item.elements || []).map(richElement)));
      return h(tag, { class: `indent${element.indent || 0}` }, items);
    }
    return h("div", { class: "rich" }, children);
  });
}

function richElement(element) {
  const style = element.style || {};
  let node;
  if (element.type === "text") node = h("span", null, emojiLines(element.text));
  else if (element.type === "link") node = link(element.url, element.text);
  else if (element.type === "user") node = mention(element.user_id);
  else if (element.type === "channel") node = reference(`#${element.channel_id}`, null);
  else if (element.type === "emoji") node = h("span", null, emojiNodes(`:${element.name}:`));
  else if (element.type === "broadcast") node = h("span", { class: "mention loud" }, `@${element.range}`);
  else if (element.type === "date") node = h("time", null, slackDate(element.timestamp, element.format));
  else node = h("span", null, element.text || "");
  for (const [name, tag] of [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"]]) {
    if (style[name]) node = h(tag, null, node);
  }
  return node;
}
