// The drawing area: strokes by mouse, finger, pen or keys, kept as lines of points.
//
// Two pictures come of them: the one on the screen, as sharp as the screen is, and the grey raster
// that the networks get, the same on every screen and in every browser.

const PAD = { area: 280, margin: 20, side: 320 };

// Grey bytes, 0 ink to 255 paper, of strokes with soft edges; the margin keeps ink off the border.
class Raster {
  constructor() {
    this.grey = new Uint8ClampedArray(PAD.side ** 2);
    this.clear();
  }

  clear() {
    this.grey.fill(255);
  }

  // A line with round ends; where strokes cross, the darker counts.
  line([x0, y0], [x1, y1], pen) {
    const radius = pen / 2, reach = radius + 1, side = PAD.side;
    const [ax, ay, bx, by] = [x0, y0, x1, y1].map((each) => each + PAD.margin);
    const [dx, dy] = [bx - ax, by - ay];
    const squared = dx * dx + dy * dy;
    const bounds = (a, b) => [Math.max(0, Math.floor(Math.min(a, b) - reach)), Math.min(side - 1, Math.ceil(Math.max(a, b) + reach))];
    const [left, right] = bounds(ax, bx), [top, bottom] = bounds(ay, by);
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) {
        const px = x + 0.5 - ax, py = y + 0.5 - ay;
        const along = squared ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0;
        const cover = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(px - along * dx, py - along * dy)));
        const ink = Math.round(255 * (1 - cover));
        if (ink < this.grey[y * side + x]) this.grey[y * side + x] = ink;
      }
    }
  }

  stroke({ points, pen }) {
    points.forEach((point, i) => this.line(points[Math.max(0, i - 1)], point, pen));
  }
}

class Pad {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.pen = 22;
    this.strokes = [];
    this.raster = new Raster();
    this.image = null; // 784 bytes of a test digit, shown in place of strokes
    this.cursor = null; // of the keyboard: a place, and whether the pen is down
    this.pointer = null;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.up(event));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => { this.cursor = null; this.draw(); });
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  get empty() {
    return !this.strokes.length && !this.image;
  }

  // --- pointers ----------------------------------------------------------------------------------

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const within = (value) => Math.min(PAD.area, Math.max(0, value));
    return [
      within(((event.clientX - box.left) / box.width) * PAD.area),
      within(((event.clientY - box.top) / box.height) * PAD.area),
    ];
  }

  down(event) {
    if (this.pointer !== null || event.button !== 0) return;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.cursor = null;
    this.begin(this.place(event));
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    // The screen's events come once a frame; a fast hand's points between them are coalesced.
    const between = event.getCoalescedEvents?.() ?? [];
    for (const each of between.length ? between : [event]) this.extend(this.place(each));
  }

  up(event) {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  // --- keys --------------------------------------------------------------------------------------

  key(event) {
    const step = event.shiftKey ? 28 : 7;
    const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [0, 0];
    if (!dx && !dy && event.key !== " ") return;
    event.preventDefault();
    this.cursor ??= { place: [PAD.area / 2, PAD.area / 2], down: false };
    const { cursor } = this;
    if (event.key === " ") {
      cursor.down = !cursor.down;
      if (cursor.down) this.begin(cursor.place);
    } else {
      cursor.place = [cursor.place[0] + dx, cursor.place[1] + dy].map((each) => Math.min(PAD.area, Math.max(0, each)));
      if (cursor.down) this.extend(cursor.place);
    }
    this.draw();
  }

  // --- strokes -----------------------------------------------------------------------------------

  begin(place) {
    this.image = null;
    this.strokes.push({ points: [place], pen: this.pen });
    this.raster.line(place, place, this.pen);
    this.draw();
    this.changed();
  }

  extend(place) {
    const { points, pen } = this.strokes.at(-1);
    this.raster.line(points.at(-1), place, pen);
    points.push(place);
    this.draw();
    this.changed();
  }

  undo() {
    if (this.image) this.image = null;
    else this.strokes.pop();
    this.renew();
  }

  clear() {
    this.image = null;
    this.strokes = [];
    this.renew();
  }

  show(image) {
    this.strokes = [];
    this.image = image;
    this.renew();
  }

  renew() {
    this.pointer = null;
    if (this.cursor) this.cursor.down = false;
    this.raster.clear();
    for (const stroke of this.strokes) this.raster.stroke(stroke);
    this.draw();
    this.changed();
  }

  // --- the screen --------------------------------------------------------------------------------

  draw() {
    const side = Math.round(this.canvas.clientWidth * devicePixelRatio);
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const pen = this.canvas.getContext("2d");
    const style = getComputedStyle(this.canvas);
    pen.setTransform(side / PAD.area, 0, 0, side / PAD.area, 0, 0);
    pen.clearRect(0, 0, PAD.area, PAD.area);
    if (this.image) this.drawImage(pen, style);
    pen.strokeStyle = style.color;
    pen.lineCap = pen.lineJoin = "round";
    for (const stroke of this.strokes) {
      pen.lineWidth = stroke.pen;
      pen.beginPath();
      pen.moveTo(...stroke.points[0]);
      for (const point of stroke.points) pen.lineTo(...point);
      pen.stroke();
    }
    if (this.cursor) this.drawCursor(pen, style);
  }

  drawImage(pen, style) {
    const small = new OffscreenCanvas(28, 28);
    const dots = small.getContext("2d");
    dots.fillStyle = style.color;
    this.image.forEach((byte, i) => {
      dots.globalAlpha = byte / 255;
      dots.fillRect(i % 28, Math.floor(i / 28), 1, 1);
    });
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, PAD.area, PAD.area);
  }

  drawCursor(pen, style) {
    const [x, y] = this.cursor.place;
    pen.strokeStyle = style.getPropertyValue("--accent");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(x, y, this.cursor.down ? this.pen / 2 : this.pen / 2 + 4, 0, 2 * Math.PI);
    pen.moveTo(x - 6, y); pen.lineTo(x + 6, y);
    pen.moveTo(x, y - 6); pen.lineTo(x, y + 6);
    pen.stroke();
  }
}
