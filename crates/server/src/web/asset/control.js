// The page's own script: theme, live patches, times that tick, keys, and confirmations in place. Every page works without it.
"use strict";
const root = document.documentElement;
const THEMES = ["auto", "light", "dark"];
const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* without storage it is not remembered */ } };
const recall = name => { try { return localStorage.getItem(name); } catch { return null; } };
const theme = () => THEMES.includes(recall("theme")) ? recall("theme") : "auto";
const dress = name => { if (name === "auto") delete root.dataset.theme; else root.dataset.theme = name; };
dress(theme());
root.dataset.js = "";

// --- Patches. An element becomes another one: what is the same stays, with its focus, its scroll and what is typed in it.
const keep = node => node.nodeType === 1 && (node.matches("dialog[open]") || node.hasAttribute("data-keep"));
const keyOf = node => node.nodeType === 1 ? node.id || node.dataset.key || "" : "";
function attributes(was, now) {
  const held = name => (name === "open" && was.matches("details, dialog")) || (name === "value" && was === document.activeElement);
  for (const { name } of [...was.attributes]) if (!now.hasAttribute(name) && !held(name)) was.removeAttribute(name);
  for (const { name, value } of now.attributes) if (was.getAttribute(name) !== value && !held(name)) was.setAttribute(name, value);
}
function become(was, now) {
  if (was.isEqualNode(now) || keep(was)) return;
  attributes(was, now);
  const wanted = new Set([...now.children].map(keyOf).filter(Boolean));
  for (const gone of [...was.children]) if (keyOf(gone) && !wanted.has(keyOf(gone)) && !keep(gone)) gone.remove();
  const keyed = new Map([...was.children].filter(keyOf).map(child => [keyOf(child), child]));
  let at = was.firstChild;
  for (const next of [...now.childNodes]) {
    const key = keyOf(next);
    let match = key ? keyed.get(key) : at && !keyOf(at) ? at : null;
    if (match && (match.nodeType !== next.nodeType || match.nodeName !== next.nodeName)) match = null;
    if (!match) {
      was.insertBefore(next, at);
      if (next.nodeType === 1 && next.matches("tr, li, .pr")) next.classList.add("flash");
      continue;
    }
    if (match === at) at = at.nextSibling; else was.insertBefore(match, at);
    if (next.nodeType !== 1) { if (match.data !== next.data) match.data = next.data; continue; }
    const differs = key && match.matches("tr, li, .pr") && match.textContent !== next.textContent && !match.isEqualNode(next);
    become(match, next);
    if (differs) match.classList.add("flash");
  }
  while (at) { const next = at.nextSibling; if (!keep(at)) at.remove(); at = next; }
}
function patch(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  tick(template.content);
  for (const now of [...template.content.children]) {
    const was = document.getElementById(now.id);
    if (!was) continue;
    if (was.nodeName === now.nodeName) become(was, now); else was.replaceWith(now);
  }
  const title = document.getElementById("title");
  if (title) document.title = `${title.textContent} \u00b7 Gapwright`;
}
// The parts of the page, in their order: what is not there yet gets a place, what is gone goes.
function lay(ids) {
  const parts = document.getElementById("parts");
  if (!parts) return;
  for (const part of [...parts.children]) if (!ids.includes(part.id)) part.remove();
  ids.forEach((id, at) => {
    const there = document.getElementById(id) ?? Object.assign(document.createElement("div"), { id });
    if (parts.children[at] !== there) parts.insertBefore(there, parts.children[at] ?? null);
  });
}

// --- Live: one stream for what is shown, none while nobody looks. Silence is told.
const SILENT_MS = 25000, REST_MS = [1000, 2000, 5000, 15000, 30000];
let stream = null, paused = false, heard = Date.now(), failed = 0, fresh = true;
function say(state, text) {
  root.dataset.live = state;
  const told = document.getElementById("live");
  if (told && told.textContent !== text) told.textContent = text;
}
function hear() { heard = Date.now(); failed = 0; stale(); say("on", "Live"); }
function listen() {
  const { stream: from, seen } = document.body.dataset;
  if (!from || stream || paused || document.hidden) return;
  // What the page came with need not be sent once more, unless it was patched since.
  stream = new EventSource(fresh && seen ? `${from}&seen=${seen}` : from);
  fresh = false;
  stream.addEventListener("open", hear);
  stream.addEventListener("beat", hear);
  stream.addEventListener("parts", event => { lay(event.data.split(" ")); hear(); });
  stream.addEventListener("patch", event => { patch(event.data); hear(); });
  stream.addEventListener("gone", () => location.reload());
  stream.addEventListener("error", lost);
}
// The browser tries again by itself after a break, and never after an answer that is no stream.
async function lost() {
  say("off", "Reconnecting");
  if (!stream || stream.readyState !== EventSource.CLOSED) return;
  stream.close();
  stream = null;
  const rest = REST_MS[Math.min(failed++, REST_MS.length - 1)];
  setTimeout(listen, rest);
  const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" }).catch(() => null);
  if (answer?.type === "opaqueredirect") location.reload();
}
function deaf(text) { stream?.close(); stream = null; say("paused", text); }
function toggle() {
  paused = !paused;
  if (paused) deaf("Paused"); else listen();
  const button = document.getElementById("pause");
  if (button) button.firstChild.data = paused ? "Go on " : "Pause ";
}
function stale() {
  const age = Date.now() - heard, told = document.getElementById("stale");
  const old = Boolean(document.body.dataset.stream) && age > SILENT_MS;
  if (old) root.dataset.stale = ""; else delete root.dataset.stale;
  if (told) told.textContent = old ? `Last update ${relative(heard + apart)}: what is shown may have changed since.` : "";
}

// --- Times tick by themselves, the absolute stays in the title.
// By the server's clock, as far as the page knows it: a machine's own may be wrong.
let apart = 0;
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
function relative(at) {
  const seconds = Math.round((Date.now() + apart - at) / 1000), size = Math.abs(seconds);
  if (size < 5) return "now";
  const [unit, length] = UNITS.find(([, length]) => size >= length);
  const told = `${Math.floor(size / length)} ${unit}`;
  return seconds < 0 ? `in ${told}` : `${told} ago`;
}
function tick(within = document) {
  for (const time of within.querySelectorAll("time[data-rel]")) {
    const told = relative(Date.parse(time.dateTime));
    if (time.textContent !== told) time.textContent = told;
  }
}

// --- Confirmations: the page of an act, shown in place.
async function confirm(link) {
  const answer = await fetch(link.href, { headers: { accept: "text/html" } }).catch(() => null);
  const read = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("act");
  const dialog = document.getElementById("confirm");
  if (!read || !dialog) { location.href = link.href; return; }
  const form = read.querySelector("form");
  if (form) form.action = new URL(form.getAttribute("action"), link.href).href;
  const title = document.createElement("h2");
  title.textContent = read.querySelector("h1")?.textContent ?? "";
  read.querySelector("h1")?.replaceWith(title);
  dialog.setAttribute("aria-label", title.textContent);
  dialog.replaceChildren(read);
  dialog.showModal();
  // What ends something is not one press of a key away.
  dialog.querySelector("[data-cancel], textarea, input:not([type=hidden]), select, button")?.focus();
}

// --- Keys: never within a field.
const press = id => () => document.getElementById(id)?.click();
const KEYS = { "?": () => document.getElementById("help")?.showModal(), r: toggle, t: press("theme"),
  "/": () => document.querySelector("[data-search]")?.focus() };
let going = 0;
function key(event) {
  const within = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]");
  if (within || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (going && Date.now() - going < 1200) {
    going = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  going = event.key === "g" ? Date.now() : 0;
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
}

addEventListener("DOMContentLoaded", () => {
  apart = (Number(document.body.dataset.now) || Date.now()) - Date.now();
  tick();
  setInterval(() => { tick(); stale(); }, 5000);
  listen();
  document.addEventListener("visibilitychange", () => document.hidden ? deaf("Paused") : listen());
  addEventListener("keydown", key);
  document.addEventListener("click", event => {
    const link = event.target.closest("a[data-act]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) { event.preventDefault(); confirm(link); }
    if (event.target.closest("[data-close]")) { event.preventDefault(); event.target.closest("dialog")?.close(); }
  });
  // Sent twice, a form is answered once; it need not be sent twice.
  document.addEventListener("submit", event => {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
    setTimeout(() => delete event.target.dataset.sent, 3000);
  });
  document.getElementById("pause")?.addEventListener("click", toggle);
  document.getElementById("keys")?.addEventListener("click", KEYS["?"]);
  document.getElementById("theme")?.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    remember("theme", next); dress(next);
    document.getElementById("theme-name").textContent = next;
  });
  const name = document.getElementById("theme-name");
  if (name) name.textContent = theme();
});
addEventListener("pagehide", () => deaf("Paused"));
addEventListener("pageshow", event => { if (event.persisted) listen(); });
