// A hit as a card: picture, place, words, score.

import { api } from "./api.js";
import { draw } from "./picture.js";
import { play } from "./player.js";

const template = document.getElementById("hit");
const watcher = new IntersectionObserver(entries => { // pictures are fetched when they come into view
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    watcher.unobserve(entry.target);
    picture(entry.target);
  }
}, { rootMargin: "200px" });

export function clock(seconds) {
  const whole = Math.floor(seconds / 60), hours = Math.floor(whole / 60);
  const rest = (seconds - 60 * whole).toFixed(1).padStart(4, "0");
  return hours ? `${hours}:${String(whole % 60).padStart(2, "0")}:${rest}` : `${whole}:${rest}`;
}

/** on = {words(text), similar(hit), focus(card)} */
export function card(hit, on) {
  const element = template.content.firstElementChild.cloneNode(true);
  const put = (name, text) => { element.querySelector(name).textContent = text; };
  const slash = hit.path.lastIndexOf("/") + 1;
  element.hit = hit;
  put(".folder", hit.path.slice(0, slash));
  put(".name", hit.path.slice(slash));
  put(".facts", hit.start_s === 0 && hit.end_s >= hit.duration_s ? clock(hit.duration_s)
    : `${clock(hit.start_s)} – ${clock(hit.end_s)} of ${clock(hit.duration_s)}`);
  put(".caption", hit.caption ?? "");
  put(".score", hit.score === undefined ? "" : hit.score.toFixed(3));
  put(".meaning", hit.meaning ?? "");
  element.setAttribute("aria-label", `${hit.path}${hit.score === undefined ? "" : `, score ${hit.score.toFixed(2)}`}`);
  for (const tag of hit.tags ?? []) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: tag });
    button.addEventListener("click", () => on.words(tag));
    element.querySelector(".tags").append(button);
  }
  element.querySelector(".play").addEventListener("click", () => play(element, hit));
  element.querySelector(".picture").addEventListener("click", event => {
    const frame = event.currentTarget.getBoundingClientRect();
    play(element, hit, (event.clientX - frame.left) / frame.width);
  });
  element.querySelector(".similar").addEventListener("click", () => on.similar(hit));
  element.addEventListener("focus", () => on.focus(element));
  watcher.observe(element);
  return element;
}

async function picture(element) {
  const { id, start_s, end_s } = element.hit, frame = element.querySelector(".picture");
  try {
    draw(element.querySelector("canvas"), await api(`/v1/sounds/${id}/picture?start_s=${start_s}&end_s=${end_s}`));
    frame.classList.add("drawn");
  } catch (fault) {
    frame.classList.add("failed");
    frame.title = fault.message;
  }
}
