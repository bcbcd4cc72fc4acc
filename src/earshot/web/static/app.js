// The page: one query at a time, by words, by file, by recording, or by a sound of the index.

import { api, post, postForm } from "./api.js";
import { Filters } from "./filters.js";
import { card } from "./hits.js";
import { SoundMap } from "./map.js";
import { play, setFaultHandler, stop } from "./player.js";

const byId = id => document.getElementById(id);
const make = (name, properties) => Object.assign(document.createElement(name), properties);
const EXAMPLES = ["a dog barking", "rain on a roof", "footsteps on gravel", "a bell"];
const N_HITS = 30, LONGEST_RECORDING_S = 10;
const state = { models: [], limits: {}, compare: false, last: null, chosen: -1 };
let asking = null; // the AbortController of the query under way

function say(words, bad = false) {
  byId("status").textContent = words;
  byId("status").classList.toggle("bad", bad);
}
setFaultHandler(words => say(words, true));

// ---- queries -------------------------------------------------------------------------------

async function ask(query) {
  asking?.abort(); // an older, slower answer never covers a newer one
  const mine = asking = new AbortController();
  state.last = query;
  stop();
  byId("heard").replaceChildren();
  say("Listening …");
  byId("results").setAttribute("aria-busy", "true");
  const models = state.compare ? state.models.slice(0, 2) : state.models.slice(0, 1);
  try {
    if (query.file) { checkSize(query.file); hear(query.file, models[0].id, mine.signal); }
    show(query, await Promise.all(models.map(model => send(query, model.id, mine.signal))));
  } catch (fault) {
    if (fault.name === "AbortError") return;
    mine.abort();
    byId("results").replaceChildren();
    say(fault.message, true);
  } finally {
    if (asking === mine) byId("results").removeAttribute("aria-busy");
  }
}
function send(query, model, signal) {
  const where = filters.where;
  if (query.file) return postForm("/v1/search/file", { file: query.file, model, where, k: N_HITS }, signal);
  const what = query.words ? { text: query.words } : { like: query.like };
  return post("/v1/search", { model, k: N_HITS, ...(where && { where }), ...what }, signal);
}
/** Say what the file sounds like, beside what is found. */
async function hear(file, model, signal) {
  try {
    const answer = await postForm("/v1/tag", { file, model }, signal);
    const chips = answer.labels.slice(0, 4).map(label => {
      const chip = make("button", { type: "button", textContent: `${label.label} ${Math.round(100 * label.score)} %` });
      chip.addEventListener("click", () => words(label.label));
      return chip;
    });
    byId("heard").replaceChildren("It sounds like ", ...chips);
  } catch { /* the search says what is wrong with the file */ }
}
function checkSize(file) {
  const most = state.limits.max_upload_mb;
  if (most && file.size > most * 1e6) throw new Error(`That file has ${(file.size / 1e6).toFixed(0)} MB; at most ${most} MB are taken.`);
}
function show(query, answers) {
  const results = byId("results"), two = answers.length > 1;
  results.classList.toggle("two", two);
  results.replaceChildren(...answers.map((answer, i) => {
    const column = make("div", { className: "column" });
    if (two) column.append(make("h2", { textContent: state.models[i].name }));
    column.append(...answer.hits.map(hit => card(hit, deeds)));
    if (!answer.hits.length) column.append(make("div", { className: "empty", textContent: filters.where
      ? "Nothing in this index fits these filters. Take one away."
      : "This index holds no sounds to find." }));
    return column;
  }));
  const first = answers[0];
  say(`${query.title}: the best of ${first.searched.toLocaleString()} windows in ${first.took_ms.toFixed(0)} ms. ${first.note}`);
  map.light(first.hits.map(hit => hit.id));
  state.chosen = -1;
}

// ---- the ways to ask ------------------------------------------------------------------------

function words(text, remember = true) {
  byId("words").value = text;
  if (remember) history.pushState(null, "", `?q=${encodeURIComponent(text)}`);
  return ask({ words: text, title: `“${text}”` });
}
const similar = hit => ask({ like: { id: hit.id, start_s: hit.start_s }, title: `Like ${hit.path}` });
const byFile = file => ask({ file, title: `Like ${file.name}` });
const deeds = { words, similar, focus: element => choose(cards().indexOf(element)) };

byId("search").addEventListener("submit", event => {
  event.preventDefault();
  const text = byId("words").value.trim();
  if (text) words(text); else say("Write what you want to hear, drop a file, or record.");
});
byId("pick").addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", event => {
  if (event.target.files[0]) byFile(event.target.files[0]);
  event.target.value = "";
});
addEventListener("popstate", () => {
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) words(asked, false); else welcome();
});

let dragging = 0;
const dragEnd = () => { dragging = 0; byId("drop").hidden = true; };
addEventListener("dragenter", event => { event.preventDefault(); dragging++; byId("drop").hidden = false; });
addEventListener("dragleave", () => { if (--dragging <= 0) dragEnd(); });
addEventListener("dragover", event => event.preventDefault());
addEventListener("drop", event => {
  event.preventDefault();
  dragEnd();
  const file = event.dataTransfer.files[0];
  if (file) byFile(file); else say("Drop an audio file.", true);
});

let recorder = null;
byId("record").addEventListener("click", async () => {
  if (recorder) return recorder.stop();
  if (!navigator.mediaDevices) return say("Browsers give the microphone to pages of this machine and to https only.", true);
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true }), parts = [];
    const mine = recorder = new MediaRecorder(stream), button = byId("record");
    mine.addEventListener("dataavailable", event => parts.push(event.data));
    mine.addEventListener("stop", () => {
      stream.getTracks().forEach(track => track.stop());
      button.setAttribute("aria-pressed", "false");
      button.textContent = "Record";
      recorder = null;
      byFile(new File(parts, "your recording", { type: mine.mimeType }));
    });
    mine.start();
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Stop";
    say("Recording: make your sound, then press Stop.");
    setTimeout(() => { if (recorder === mine) mine.stop(); }, 1000 * LONGEST_RECORDING_S);
  } catch (fault) {
    recorder = null;
    say(`The microphone is not to be had: ${fault.message}`, true);
  }
});

// ---- filters, map, keys ---------------------------------------------------------------------

const filters = new Filters(byId("facets"), () => { if (state.last) ask(state.last); });
const narrow = matchMedia("(max-width: 46rem)");
const foldFilters = () => { byId("filters").open = !narrow.matches; };
narrow.addEventListener("change", foldFilters);
foldFilters();
const map = new SoundMap(byId("map"), {
  read: point => { byId("map-words").textContent = point ? `${point.path}${point.caption ? ": " + point.caption : ""}` : ""; },
  hear: point => play(null, { ...point, start_s: 0, end_s: point.duration_s }),
  list: points => {
    byId("results").classList.remove("two");
    byId("results").replaceChildren(...points.slice(0, 60).map(point =>
      card({ ...point, start_s: 0, end_s: Math.min(point.duration_s, 10) }, deeds)));
    say(`${points.length} sounds in the box${points.length > 60 ? ", the first 60 listed" : ""}.`);
    state.last = null;
    state.chosen = -1;
  },
});
async function toggleMap() {
  const panel = byId("map-panel");
  panel.hidden = !panel.hidden;
  byId("toggle-map").setAttribute("aria-expanded", String(!panel.hidden));
  if (panel.hidden) return;
  if (map.points.length) return map.paint();
  const hint = byId("map-words").textContent;
  byId("map-words").textContent = "Drawing the map …";
  try {
    const answer = await api(`/v1/map?model=${encodeURIComponent(state.models[0].id)}`);
    map.show(answer.points);
    byId("map-words").textContent = answer.points.length < answer.n_sounds
      ? `${answer.points.length.toLocaleString()} of ${answer.n_sounds.toLocaleString()} sounds. ${hint}` : hint;
  } catch (fault) { byId("map-words").textContent = fault.message; }
}
function toggleHelp() {
  byId("help").hidden = !byId("help").hidden;
  byId("toggle-help").setAttribute("aria-expanded", String(!byId("help").hidden));
}
byId("toggle-map").addEventListener("click", toggleMap);
byId("toggle-help").addEventListener("click", toggleHelp);
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
  if (document.activeElement !== all[state.chosen] && !all[state.chosen].contains(document.activeElement)) all[state.chosen].focus();
}
function step(by) {
  document.activeElement?.blur?.();
  choose(state.chosen + by);
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
    "/": () => byId("words").select(),
    j: () => step(1),
    k: () => step(-1),
    " ": () => at && play(at, at.hit),
    s: () => at && similar(at.hit),
    m: toggleMap,
    "?": toggleHelp,
    Escape: stop,
  };
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

// ---- begin ----------------------------------------------------------------------------------

let nSounds = 0, examples = EXAMPLES;
function welcome() {
  byId("results").replaceChildren();
  byId("heard").replaceChildren();
  state.last = null;
  if (!nSounds) return say("This index is empty: run `earshot index FOLDER`, then come back.");
  say(`${nSounds.toLocaleString()} sounds are indexed. Describe one, drop one, or record one.`);
  const chips = examples.map(text => {
    const chip = make("button", { type: "button", textContent: text });
    chip.addEventListener("click", () => words(text));
    return chip;
  });
  byId("heard").replaceChildren("Try ", ...chips);
}
try {
  const about = await api("/v1/models");
  state.models = about.data;
  state.limits = about.limits;
  nSounds = about.n_sounds;
  byId("toggle-compare").hidden = state.models.length < 2;
  const { groups } = await api(`/v1/facets?model=${encodeURIComponent(state.models[0].id)}`);
  filters.show(groups);
  const tags = groups.find(group => group.title === "Tags")?.entries ?? [];
  if (tags.length >= 3) examples = tags.slice(0, 6).map(tag => tag.name);
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) await words(asked, false); else welcome();
} catch (fault) {
  say(fault.message, true);
}
document.documentElement.dataset.ready = "yes"; // for those who wait for the page
