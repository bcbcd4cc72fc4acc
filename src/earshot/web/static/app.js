// The page: one query at a time, by words, by file, by recording, or by a sound of the index.

import { SoundMap } from "./map.js";
import { draw } from "./picture.js";

const byId = id => document.getElementById(id);
const state = { models: [], compare: false, last: null, chosen: -1, filters: new Set(), turn: 0 };
const player = new Audio();
let playing = null; // {card, stop_s, start_s}

async function api(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error?.message ?? `The server answered ${answer.status}.`);
  return body;
}
function say(words, bad = false) {
  byId("status").textContent = words;
  byId("status").classList.toggle("bad", bad);
}
const seconds = value => `${Math.floor(value / 60)}:${(value % 60).toFixed(1).padStart(4, "0")}`;

// ---- queries -------------------------------------------------------------------------------

async function ask(query) {
  state.last = query;
  const turn = ++state.turn;
  say("Listening …");
  const models = state.compare ? state.models.slice(0, 2) : state.models.slice(0, 1);
  try {
    const answers = await Promise.all(models.map(model => send(query, model.id)));
    if (turn === state.turn) show(query, answers); // an older, slower answer never covers a newer one
  } catch (fault) {
    if (turn !== state.turn) return;
    byId("results").replaceChildren();
    say(fault.message, true);
  }
}
function send(query, model) {
  const where = filterWords();
  if (query.file) {
    const form = new FormData();
    form.append("file", query.file, query.name);
    form.append("model", model);
    if (where) form.append("where", where);
    return api("/v1/search/file", { method: "POST", body: form });
  }
  const body = { model, k: 30, ...(where && { where }), ...(query.words ? { text: query.words } : { like: query.like }) };
  return api("/v1/search", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}
function filterWords() {
  return [...state.filters].join(" AND ");
}
function show(query, answers) {
  const results = byId("results"), two = answers.length > 1;
  results.classList.toggle("two", two);
  results.replaceChildren(...answers.map((answer, i) => {
    const column = document.createElement("div");
    column.className = "column";
    if (two) column.append(Object.assign(document.createElement("h2"), { textContent: state.models[i].name }));
    column.append(...answer.hits.map(card));
    if (!answer.hits.length) column.append(Object.assign(document.createElement("div"),
      { className: "empty", textContent: "Nothing in this index fits. Try other words, or fewer filters." }));
    return column;
  }));
  const first = answers[0];
  const count = `${first.hits.length} of ${first.searched.toLocaleString()} windows`;
  say(`${query.title}: ${count}, ${first.took_ms.toFixed(0)} ms. ${first.note ?? ""}`);
  map.light(first.hits.map(hit => hit.id));
  state.chosen = -1;
}

// ---- a hit ---------------------------------------------------------------------------------

const watcher = new IntersectionObserver(entries => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    watcher.unobserve(entry.target);
    picture(entry.target);
  }
}, { rootMargin: "200px" });

async function picture(element) {
  try {
    const { id, start_s, end_s } = element.hit;
    draw(element.querySelector("canvas"), await api(`/v1/sounds/${id}/picture?start_s=${start_s}&end_s=${end_s}`));
  } catch (fault) {
    element.querySelector(".picture").title = fault.message;
  }
}
function card(hit) {
  const element = byId("hit").content.firstElementChild.cloneNode(true);
  const put = (name, text) => { element.querySelector(name).textContent = text; };
  element.hit = hit;
  put(".path", hit.path);
  put(".facts", `${seconds(hit.start_s)} – ${seconds(hit.end_s)} of ${seconds(hit.duration_s)}`);
  put(".caption", hit.caption ?? "");
  put(".score", hit.score.toFixed(3));
  put(".meaning", hit.meaning ?? "");
  element.setAttribute("aria-label", `${hit.path}, score ${hit.score.toFixed(2)}`);
  for (const tag of hit.tags ?? []) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: tag });
    button.addEventListener("click", () => words(tag));
    element.querySelector(".tags").append(button);
  }
  element.querySelector(".play").addEventListener("click", () => play(element));
  element.querySelector(".picture").addEventListener("click", event => {
    const frame = event.currentTarget.getBoundingClientRect();
    play(element, (event.clientX - frame.left) / frame.width);
  });
  element.querySelector(".similar").addEventListener("click", () => similar(hit));
  element.addEventListener("focus", () => choose(cards().indexOf(element)));
  watcher.observe(element);
  return element;
}
function play(element, part) {
  const { id, start_s, end_s } = element.hit;
  const same = playing?.card === element && !player.paused;
  stop();
  if (same && part === undefined) return;
  const source = `/v1/sounds/${id}/audio`;
  const begin = start_s + (part ?? 0) * (end_s - start_s);
  playing = { card: element, start_s, end_s };
  if (player.getAttribute("src") !== source) player.src = source;
  const go = () => {
    player.currentTime = begin;
    player.play().then(() => {
      element.classList.add("playing");
      element.querySelector(".play").textContent = "■";
    }).catch(fault => say(`This browser cannot play it: ${fault.message}`, true));
  };
  if (player.readyState >= 1) go(); else player.addEventListener("loadedmetadata", go, { once: true });
}
function stop() {
  player.pause();
  if (!playing) return;
  playing.card?.classList.remove("playing");
  const button = playing.card?.querySelector(".play");
  if (button) button.textContent = "▶";
  playing = null;
}
player.addEventListener("timeupdate", () => {
  if (!playing?.card) return;
  const { card: element, start_s, end_s } = playing;
  element.querySelector(".needle").style.left = `${(100 * (player.currentTime - start_s)) / (end_s - start_s)}%`;
  if (player.currentTime >= end_s) stop();
});
player.addEventListener("ended", stop);
player.addEventListener("error", () => { if (playing) { stop(); say("That sound could not be loaded.", true); } });

// ---- the ways to ask ------------------------------------------------------------------------

function words(text) {
  byId("words").value = text;
  history.replaceState(null, "", `?q=${encodeURIComponent(text)}`);
  return ask({ words: text, title: `“${text}”` });
}
const similar = hit => ask({ like: { id: hit.id, start_s: hit.start_s }, title: `Like ${hit.path}` });
const byFile = file => ask({ file, name: file.name || "recording", title: `Like ${file.name || "your recording"}` });

byId("search").addEventListener("submit", event => {
  event.preventDefault();
  const text = byId("words").value.trim();
  if (text) words(text); else say("Write what you want to hear, drop a file, or record.");
});
byId("file").addEventListener("change", event => {
  if (event.target.files[0]) byFile(event.target.files[0]);
  event.target.value = "";
});
let dragging = 0;
addEventListener("dragenter", event => { event.preventDefault(); dragging++; byId("drop").hidden = false; });
addEventListener("dragleave", () => { if (--dragging <= 0) { dragging = 0; byId("drop").hidden = true; } });
addEventListener("dragover", event => event.preventDefault());
addEventListener("drop", event => {
  event.preventDefault();
  dragging = 0;
  byId("drop").hidden = true;
  const file = event.dataTransfer.files[0];
  if (file) byFile(file); else say("Drop an audio file.", true);
});
let recorder = null;
byId("record").addEventListener("click", async () => {
  if (recorder) return recorder.stop();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true }), parts = [];
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", event => parts.push(event.data));
    recorder.addEventListener("stop", () => {
      stream.getTracks().forEach(track => track.stop());
      byId("record").setAttribute("aria-pressed", "false");
      byId("record").textContent = "Record";
      byFile(new File(parts, "recording", { type: recorder.mimeType }));
      recorder = null;
    });
    recorder.start();
    byId("record").setAttribute("aria-pressed", "true");
    byId("record").textContent = "Stop";
    say("Recording: make your sound, then press Stop.");
    const mine = recorder;
    setTimeout(() => { if (recorder === mine) mine.stop(); }, 10_000);
  } catch (fault) {
    recorder = null;
    say(`The microphone is not to be had: ${fault.message}`, true);
  }
});

// ---- filters, map, keys ---------------------------------------------------------------------

function facet(title, entries) {
  const section = document.createElement("section");
  section.append(Object.assign(document.createElement("h2"), { textContent: title }));
  for (const entry of entries) {
    const label = document.createElement("label"), box = Object.assign(document.createElement("input"), { type: "checkbox" });
    box.addEventListener("change", () => {
      if (box.checked) state.filters.add(entry.where); else state.filters.delete(entry.where);
      if (state.last) ask(state.last);
    });
    label.append(box, entry.name, Object.assign(document.createElement("small"), { textContent: entry.count }));
    section.append(label);
  }
  return section;
}
const map = new SoundMap(byId("map"), {
  read: point => { byId("map-words").textContent = point ? `${point.path}${point.caption ? ": " + point.caption : ""}` : ""; },
  hear: point => {
    stop();
    player.src = `/v1/sounds/${point.id}/audio`;
    player.play().catch(fault => say(`This browser cannot play it: ${fault.message}`, true));
  },
  list: points => {
    byId("results").classList.remove("two");
    byId("results").replaceChildren(...points.slice(0, 60).map(point =>
      card({ ...point, start_s: 0, end_s: Math.min(point.duration_s, 10), score: 0 })));
    document.querySelectorAll("#results .score").forEach(score => { score.textContent = ""; });
    say(`${points.length} sounds in the box${points.length > 60 ? ", the first 60 listed" : ""}.`);
  },
});
async function toggleMap() {
  const panel = byId("map-panel");
  panel.hidden = !panel.hidden;
  byId("toggle-map").setAttribute("aria-expanded", String(!panel.hidden));
  if (panel.hidden || map.points.length) return map.paint();
  try { map.show((await api("/v1/map")).points); } catch (fault) { byId("map-words").textContent = fault.message; }
}
byId("toggle-map").addEventListener("click", toggleMap);
byId("toggle-help").addEventListener("click", () => {
  byId("help").hidden = !byId("help").hidden;
  byId("toggle-help").setAttribute("aria-expanded", String(!byId("help").hidden));
});
byId("toggle-compare").addEventListener("click", () => {
  state.compare = !state.compare;
  byId("toggle-compare").setAttribute("aria-pressed", String(state.compare));
  if (state.last) ask(state.last);
});
const cards = () => [...document.querySelectorAll("#results .hit")];
function choose(index) {
  const all = cards();
  if (!all.length) return;
  state.chosen = Math.max(0, Math.min(index, all.length - 1));
  all.forEach((element, i) => element.classList.toggle("chosen", i === state.chosen));
  if (document.activeElement !== all[state.chosen]) all[state.chosen].focus();
}
addEventListener("keydown", event => {
  if (event.target.matches("input[type=search]")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, canvas")) return;
  if (event.key === " " && event.target.matches("button, label")) return;
  const at = cards()[state.chosen];
  const keys = {
    "/": () => byId("words").focus(),
    j: () => choose(state.chosen + 1),
    k: () => choose(state.chosen - 1),
    " ": () => at && play(at),
    s: () => at && similar(at.hit),
    m: toggleMap,
    "?": () => byId("toggle-help").click(),
    Escape: stop,
  };
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

// ---- begin ----------------------------------------------------------------------------------

try {
  const about = await api("/v1/models");
  state.models = about.data;
  byId("toggle-compare").hidden = state.models.length < 2;
  const facets = await api("/v1/facets");
  byId("facets").replaceChildren(...facets.groups.filter(group => group.entries.length).map(group => facet(group.title, group.entries)));
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) await words(asked);
  else if (!about.n_sounds) say("This index is empty: run `earshot index FOLDER`, then come back.");
  else say(`${about.n_sounds.toLocaleString()} sounds are indexed. Describe one, or press ? for the keys.`);
} catch (fault) {
  say(fault.message, true);
}
