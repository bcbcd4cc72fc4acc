// The map of all sounds: point to read, press to hear, drag a box to list.

export class SoundMap {
  /** on = {read(point), hear(point), list(points)} */
  constructor(canvas, on) {
    this.canvas = canvas; this.on = on; this.points = []; this.lit = new Set(); this.chosen = -1; this.box = null;
    canvas.addEventListener("pointerdown", event => {
      canvas.setPointerCapture(event.pointerId);
      this.box = [...this.at(event), ...this.at(event)];
    });
    canvas.addEventListener("pointermove", event => {
      if (this.box) { [this.box[2], this.box[3]] = this.at(event); this.paint(); } else this.choose(this.nearest(...this.at(event)));
    });
    canvas.addEventListener("pointerup", event => this.release(event));
    canvas.addEventListener("keydown", event => this.key(event));
    new ResizeObserver(() => this.paint()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
  }
  at(event) {
    const frame = this.canvas.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }
  show(points) {
    this.points = points;
    this.groups = [...new Set(points.map(point => point.group))].sort();
    this.canvas.dataset.dots = points.length;
    this.paint();
  }
  /** Light the dots of these sounds and dim the others. */
  light(ids) { this.lit = new Set(ids); this.paint(); }
  release(event) {
    const [x0, y0, x1, y1] = this.box ?? [0, 0, 0, 0];
    this.box = null;
    if (Math.hypot(x1 - x0, y1 - y0) < 6) {
      this.choose(this.nearest(...this.at(event)));
      if (this.chosen >= 0) this.on.hear(this.points[this.chosen]);
    } else {
      const inside = this.points.filter((_, i) => {
        const [x, y] = this.spots[i];
        return x >= Math.min(x0, x1) && x <= Math.max(x0, x1) && y >= Math.min(y0, y1) && y <= Math.max(y0, y1);
      });
      this.light(inside.map(point => point.id));
      this.on.list(inside);
    }
    this.paint();
  }
  key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && this.points.length) {
      this.choose((this.chosen + step + this.points.length) % this.points.length);
      event.preventDefault();
    } else if (event.key === "Enter" && this.chosen >= 0) this.on.hear(this.points[this.chosen]);
  }
  choose(index) {
    if (index === this.chosen) return;
    this.chosen = index;
    this.on.read(index < 0 ? null : this.points[index]);
    this.paint();
  }
  nearest(x, y) {
    let best = -1, near = 20 ** 2;
    (this.spots ?? []).forEach(([sx, sy], i) => {
      const far = (sx - x) ** 2 + (sy - y) ** 2;
      if (far < near) { near = far; best = i; }
    });
    return best;
  }
  paint() {
    const { canvas } = this, ratio = devicePixelRatio || 1, wide = canvas.clientWidth, high = canvas.clientHeight, edge = 16;
    if (!wide) return;
    canvas.width = wide * ratio; canvas.height = high * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    this.spots = this.points.map(point => [edge + point.x * (wide - 2 * edge), edge + (1 - point.y) * (high - 2 * edge)]);
    this.spots.forEach(([x, y], i) => {
      const point = this.points[i], lit = !this.lit.size || this.lit.has(point.id);
      context.globalAlpha = lit ? 0.9 : 0.18;
      context.fillStyle = `hsl(${((this.groups.indexOf(point.group) * 360) / this.groups.length + 15) % 360} 62% 50%)`;
      context.beginPath();
      context.arc(x, y, i === this.chosen ? 8 : 4, 0, 7);
      context.fill();
    });
    if (this.box) {
      const [x0, y0, x1, y1] = this.box;
      context.globalAlpha = 1;
      context.strokeStyle = getComputedStyle(canvas).color;
      context.setLineDash([4, 3]);
      context.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
    }
  }
}
