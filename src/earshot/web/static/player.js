// One player for the page: plays the hit's stretch of a sound, and moves the card's needle.

const PART_ABOVE_S = 1800; // of sounds longer than this, only the hit's part is fetched
const player = new Audio();
player.preload = "auto";
let playing = null; // {element, start_s, end_s, offset_s}
let onFault = () => {};

export const setFaultHandler = handler => { onFault = handler; };
export const current = () => playing && { ...playing, at_s: player.currentTime + playing.offset_s, paused: player.paused };

/** Play the hit's stretch from `part` (0 to 1) of it; again on the same card stops. */
export function play(element, hit, part) {
  const same = playing?.element === element && !player.paused;
  stop();
  if (same && part === undefined) return;
  const { id, start_s, end_s, duration_s } = hit, long = duration_s > PART_ABOVE_S;
  const source = `/v1/sounds/${id}/audio${long ? `?start_s=${start_s}&end_s=${end_s}` : ""}`;
  playing = { element, start_s, end_s, offset_s: long ? start_s : 0 };
  element?.classList.add("playing");
  mark(element, true);
  const mine = playing, begin = start_s + (part ?? 0) * (end_s - start_s) - playing.offset_s;
  if (player.getAttribute("src") !== source) player.src = source;
  const go = () => {
    if (playing !== mine) return;
    if (Math.abs(player.currentTime - begin) > 0.01) player.currentTime = begin;
    player.play().then(follow).catch(fault => {
      if (playing !== mine || fault.name === "AbortError") return;
      stop();
      onFault(`This sound cannot be played: ${fault.message}`);
    });
  };
  if (player.readyState >= 1) go(); else player.addEventListener("loadedmetadata", go, { once: true });
}

export function stop() {
  player.pause();
  if (!playing) return;
  playing.element?.classList.remove("playing");
  mark(playing.element, false);
  playing = null;
}

function mark(element, on) {
  const button = element?.querySelector(".play");
  if (!button) return;
  button.textContent = on ? "■" : "▶";
  button.setAttribute("aria-label", on ? "Stop" : "Play");
}

function follow() {
  if (!playing) return;
  const { element, start_s, end_s, offset_s } = playing, at = player.currentTime + offset_s;
  const needle = element?.querySelector(".needle");
  if (needle) needle.style.left = `${Math.min(100, (100 * (at - start_s)) / (end_s - start_s))}%`;
  if (at >= end_s) stop(); else requestAnimationFrame(follow);
}

player.addEventListener("timeupdate", () => { // also where the page is hidden and no frames are drawn
  if (playing && player.currentTime + playing.offset_s >= playing.end_s) stop();
});
player.addEventListener("ended", stop);
player.addEventListener("error", async () => {
  if (!playing) return;
  const source = player.currentSrc || player.getAttribute("src");
  stop();
  player.removeAttribute("src");
  const answer = await fetch(source).catch(() => null);
  const body = answer && !answer.ok ? await answer.json().catch(() => ({})) : {};
  onFault(body.error?.message ?? "That sound could not be loaded.");
});
