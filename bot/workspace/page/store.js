// What the page knows, and its calls to the server.

export const store = {
  texts: null,
  lang: navigator.language.startsWith("ja") ? "ja" : "en",
  user: null, // id of the person that the visitor plays
  seen: null, // the last snapshot, without its messages
  messages: new Map(), // "channel:ts" -> message
  run: "",
  rev: -1,
  place: null, // a channel id, or "home"
  threadTs: null,
};

export const STARTERS = { ja: "U0HANAKO01", en: "U0ALICE001" };

export function t(key, args = {}) {
  const text = store.texts?.[store.lang]?.[key];
  if (text === undefined) return key;
  return text.trim().replace(/\{(\w+)\}/g, (whole, name) => (name in args ? String(args[name]) : whole));
}

export function has(key) {
  return store.texts?.[store.lang]?.[key] !== undefined;
}

export function userOf(id) {
  return store.seen.users.find((user) => user.id === id) || { id, name: id, real_name: id, is_bot: false };
}

export function channelOf(id) {
  return store.seen.channels.find((channel) => channel.id === id);
}

export function dm() {
  return store.seen.channels.find((channel) => channel.is_im);
}

export function keep(name, value) {
  try {
    localStorage.setItem(`mxcutover.${name}`, JSON.stringify(value));
  } catch { /* a page without storage forgets, no more */ }
}

export function kept(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`mxcutover.${name}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

async function answerOf(response) {
  try {
    return await response.json();
  } catch {
    return { ok: false, error: `http_${response.status}` };
  }
}

export async function get(path) {
  return answerOf(await fetch(path, { cache: "no-store" }));
}

export async function post(deed, body) {
  try {
    const response = await fetch(`/ui/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user: store.user, ...body }),
    });
    return await answerOf(response);
  } catch {
    return { ok: false, error: "dispatch_failed" };
  }
}

// What was read last in each channel, per person.
export function lastRead(channel) {
  return kept(`read.${store.user}.${channel}`, "0");
}

export function markRead(channel, ts) {
  if (ts > lastRead(channel)) keep(`read.${store.user}.${channel}`, ts);
}
