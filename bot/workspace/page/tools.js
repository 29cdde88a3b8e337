// The tool pane: the bot's clock, and the DNS sandbox.
import { errorText, report, toast } from "/page/dialogs.js";
import { h, icon, put } from "/page/dom.js";
import { get, kept, keep, post, store, t } from "/page/store.js";
import { fromWall, now, span, tokyo, toWall } from "/page/times.js";

const FAULTS = ["drop", "servfail", "refused", "lame", "truncate", "delay", "wrong_id", "garbage"];
const MAILGATES = "mgf.cybermail.jp";

let dns = null;
let draft = null; // the edited MX lines of the chosen domain: {domain, mx, ttl, servers}
let drawn = "";

export async function loadDns() {
  const answer = await get("/ui/dns");
  dns = answer.ok === false ? null : answer;
}

export function renderTools(pane, close) {
  const stamp = JSON.stringify([store.lang, dns, store.seen.clock.next_due, store.seen.clock.can_travel, draft === null]);
  if (stamp === drawn && pane.childNodes.length) return tick(pane);
  if (pane.contains(document.activeElement) && document.activeElement.matches("input, select") && drawn && draft) return tick(pane);
  drawn = stamp;
  const scroll = pane.querySelector(".pane-body")?.scrollTop || 0;
  put(pane,
    h("header", { class: "pane-head" }, h("h2", null, t("workspace.tools")),
      h("button", { type: "button", class: "icon-button", "aria-label": t("workspace.tools_close"), onclick: close }, icon("close"))),
    h("div", { class: "pane-body" }, clock(pane), sandbox(pane)));
  pane.querySelector(".pane-body").scrollTop = scroll;
  tick(pane);
}

function redraw(pane) {
  drawn = "";
  renderTools(pane, pane.closeTools);
}

// --- the clock ---

export function tick(pane) {
  const face = pane.querySelector("[data-clock]");
  if (!face || !store.seen) return;
  put(face, tokyo(now()));
  const ahead = store.seen.clock.offset_seconds;
  put(pane.querySelector("[data-ahead]"), ahead >= 60 ? t("workspace.clock_ahead", { span: span(ahead) }) : t("workspace.clock_real"));
}

function clock(pane) {
  const { can_travel: can, next_due: due } = store.seen.clock;
  const pick = h("input", { type: "datetime-local", class: "field", "aria-label": t("workspace.clock_pick"), value: toWall(now(), "Asia/Tokyo") });
  const move = async (body) => {
    pane.classList.add("travelling");
    const answer = await post("clock", body);
    pane.classList.remove("travelling");
    report(answer);
  };
  const button = (key, body, name) => h("button", { type: "button", class: "btn small", disabled: !can, data: { clock: name }, onclick: () => move(body) }, t(key));
  return h("section", { class: "tool clock", "aria-label": t("workspace.clock") },
    h("h3", null, t("workspace.clock")),
    h("div", { class: "clock-face" }, h("strong", { data: { clock: "face" } }), h("span", { class: "muted" }, t("workspace.clock_zone"))),
    h("div", { class: "muted", data: { ahead: "true" } }),
    h("div", { class: "row" },
      button("workspace.clock_hour", { by: 3600 }, "hour"),
      button("workspace.clock_day", { by: 86400 }, "day"),
      button("workspace.clock_ten", { by: 864000 }, "ten")),
    h("button", {
      type: "button", class: "btn primary solid wide", disabled: !can || !due, data: { clock: "next" }, onclick: () => move({ next: true }),
    }, t("workspace.clock_next")),
    h("div", { class: "muted" }, due ? t("workspace.clock_next_at", { when: tokyo(new Date(due)) }) : t("workspace.clock_none")),
    h("div", { class: "row" }, pick, h("button", {
      type: "button", class: "btn small", disabled: !can, data: { clock: "go" },
      onclick: () => pick.value && move({ to: fromWall(pick.value, "Asia/Tokyo").toISOString() }),
    }, t("workspace.clock_go"))),
    h("div", { class: "travel-note", role: "status" }, t("workspace.clock_moving")));
}

// --- the sandbox ---

function sandbox(pane) {
  if (!dns) return h("section", { class: "tool" }, h("h3", null, t("workspace.dns")), h("p", { class: "muted" }, t("workspace.dns_absent")));
  const domain = kept("dns", dns.zones[0].domain);
  const zone = dns.zones.find((z) => z.domain === domain) || dns.zones[0];
  if (!draft || draft.domain !== zone.domain) draft = fresh(zone);
  const choose = h("select", {
    class: "field select", "aria-label": t("workspace.dns_domain"), data: { dns: "domain" },
    onchange: () => { keep("dns", choose.value); draft = null; redraw(pane); },
  }, dns.zones.map((z) => h("option", { value: z.domain }, z.unicode === z.domain ? z.domain : `${z.unicode} (${z.domain})`)));
  choose.value = zone.domain;
  return h("section", { class: "tool", "aria-label": t("workspace.dns") },
    h("h3", null, t("workspace.dns")),
    h("p", { class: "muted" }, t("workspace.dns_about")),
    choose,
    zone.note[store.lang] && h("p", { class: "zone-note" }, zone.note[store.lang]),
    editor(pane, zone), servers(zone), caches(zone));
}

const fresh = (zone) => ({
  domain: zone.domain, ttl: String(zone.ttl), mx: zone.mx.map((r) => [String(r.preference), r.exchange]),
  servers: zone.servers.filter((s) => !zone.slow.includes(s.host)).map((s) => s.host), dirty: false,
});

function editor(pane, zone) {
  const edit = (change) => { change(); draft.dirty = true; redraw(pane); };
  const field = (props, read) => h("input", { type: "text", class: "field", ...props, oninput: (event) => { read(event.target.value.trim()); draft.dirty = true; } });
  const lines = draft.mx.map((line, index) => h("div", { class: "mx-line", data: { mxLine: String(index) } },
    field({ value: line[0], inputMode: "numeric", "aria-label": t("workspace.dns_preference") }, (value) => { line[0] = value; }),
    field({ value: line[1], "aria-label": t("workspace.dns_exchange"), spellcheck: false }, (value) => { line[1] = value; }),
    h("button", {
      type: "button", class: "icon-button", "aria-label": t("workspace.dns_remove"), title: t("workspace.dns_remove"),
      onclick: () => edit(() => draft.mx.splice(index, 1)),
    }, icon("close"))));
  const ttl = field({ value: draft.ttl, inputMode: "numeric", disabled: zone.fixed_ttl, id: "dns-ttl", data: { dns: "ttl" } }, (value) => { draft.ttl = value; });
  const quick = (name, key, change) => h("button", {
    type: "button", class: "btn small", data: { dns: name }, onclick: () => { edit(change); save(pane, zone); },
  }, t(key));
  return h("form", { class: "zone-editor", onsubmit: (event) => { event.preventDefault(); save(pane, zone); } },
    h("div", { class: "row" },
      !zone.fixed_ttl && quick("lower", "workspace.dns_lower", () => { draft.ttl = "300"; }),
      quick("mailgates", "workspace.dns_to_mailgates", () => { draft.mx = [["10", MAILGATES]]; })),
    h("div", { class: "mx-head" }, h("span", null, t("workspace.dns_preference")), h("span", null, t("workspace.dns_exchange"))),
    lines.length ? lines : h("div", { class: "muted" }, t("workspace.dns_no_mx")),
    h("button", { type: "button", class: "link-button", onclick: () => edit(() => draft.mx.push(["10", ""])) }, icon("plus"), t("workspace.dns_add")),
    h("div", { class: "row" }, h("label", { class: "label", for: "dns-ttl" }, t("workspace.dns_ttl")), ttl),
    zone.fixed_ttl && h("div", { class: "hint" }, t("workspace.dns_ttl_fixed")),
    zone.servers.length > 1 && h("fieldset", null, h("legend", null, t("workspace.dns_only")),
      zone.servers.map((server) => h("label", { class: "choice" },
        h("input", {
          type: "checkbox", value: server.host, checked: draft.servers.includes(server.host),
          onchange: (event) => {
            draft.servers = zone.servers.map((s) => s.host).filter((host) => (host === server.host ? event.target.checked : draft.servers.includes(host)));
          },
        }), h("span", null, server.host)))),
    h("div", { class: "row end" },
      h("button", { type: "button", class: "btn small", onclick: () => { draft = null; redraw(pane); } }, t("workspace.dns_reset")),
      h("button", { type: "submit", class: "btn primary solid small", data: { dns: "save" } }, t("workspace.dns_save"))));
}

async function save(pane, zone) {
  const bad = wrong(draft);
  if (bad) return toast(bad);
  const answer = await post("dns", {
    do: "set_mx", domain: zone.domain, ttl: Number(draft.ttl), servers: draft.servers, mx: draft.mx.map(([preference, exchange]) => [Number(preference), exchange]),
  });
  if (!answer.ok) return toast(answer.why ? t("workspace.dns_bad_record", { why: answer.why }) : errorText(answer.error));
  draft = null;
  toast(t("workspace.dns_saved", { domain: zone.unicode }), "good");
  await loadDns();
  redraw(pane);
}

function wrong({ mx, ttl }) {
  const number = [ttl, ...mx.map(([preference]) => preference)].find((value) => !/^\d{1,9}$/.test(value));
  if (number !== undefined) return t("workspace.dns_not_a_number", { value: number || "—" });
  const name = mx.map(([, exchange]) => exchange).find((value) => !/^(\.|[^\s.]+(\.[^\s.]+)*\.?)$/.test(value));
  return name === undefined ? null : t("workspace.dns_not_a_name", { value: name || "—" });
}

function servers(zone) {
  const fault = (server) => {
    const node = h("select", {
      class: "field select small", "aria-label": `${t("workspace.dns_fault")}: ${server.host}`,
      onchange: () => post("dns", { do: "fault", server: server.host, fault: node.value || null }).then(report),
    }, h("option", { value: "" }, t("workspace.dns_fault_none")), FAULTS.map((name) => h("option", { value: name }, faultName(name))));
    node.value = server.fault || "";
    return node;
  };
  return h("div", { class: "servers" }, h("h4", null, t("workspace.dns_servers")),
    zone.servers.map((server) => h("div", { class: `server ${server.lagging ? "lagging" : ""}`, data: { server: server.host } },
      h("div", { class: "server-head" }, h("strong", null, server.host), server.lagging && h("span", { class: "tag" }, t("workspace.dns_lagging")), fault(server)),
      server.mx.length
        ? server.mx.map((r) => h("code", { class: "record" }, `${server.ttl} IN MX ${r.preference} ${r.exchange}.`))
        : h("code", { class: "record" }, t("workspace.dns_no_mx")))),
    zone.servers.some((server) => server.lagging) && h("button", {
      type: "button", class: "btn small", data: { dns: "catch_up" }, onclick: () => post("dns", { do: "catch_up", domain: zone.domain }).then(report),
    }, t("workspace.dns_catch_up")));
}

function faultName(name) {
  return {
    drop: t("workspace.dns_fault_drop"), servfail: t("workspace.dns_fault_servfail"), refused: t("workspace.dns_fault_refused"),
    lame: t("workspace.dns_fault_lame"), truncate: t("workspace.dns_fault_truncate"), delay: t("workspace.dns_fault_delay"),
    wrong_id: t("workspace.dns_fault_wrong_id"), garbage: t("workspace.dns_fault_garbage"),
  }[name];
}

function caches(zone) {
  return h("div", { class: "servers" }, h("h4", null, t("workspace.dns_caches")),
    dns.caches.map((cache) => {
      const held = cache.held.filter((entry) => entry.domain === zone.domain);
      return h("div", { class: "server", data: { cache: cache.address } },
        h("div", { class: "server-head" }, h("strong", null, cache.address)),
        held.length
          ? held.flatMap((entry) => entry.mx.map((r) => h("code", { class: "record" },
            `MX ${r.preference} ${r.exchange}.`, h("span", { class: "muted" }, t("workspace.dns_cache_left", { seconds: entry.left })))))
          : h("span", { class: "muted" }, t("workspace.dns_cache_empty")));
    }),
    h("button", { type: "button", class: "btn small", data: { dns: "flush" }, onclick: () => post("dns", { do: "flush" }).then(report) }, t("workspace.dns_flush")));
}
