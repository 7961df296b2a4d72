const BUMPS = 5;
const STEEP = 1000;
const BOUND = 0.4;
const LIMIT = 3;
const SOLUTION = [-1.3, -1.4, -0.3, -1.0, 1.2];

const target = (x) => 0.2 + 0.4 * x * x + 0.3 * x * Math.sin(15 * x) + 0.05 * Math.cos(50 * x);
const wanted = (x) => Math.log(target(x) / (1 - target(x)));
const centres = (count) => Array.from({ length: count }, (_, i) => (i + 0.5) / count);

// The hidden neurons: a pair for each bump, up at its left edge and down at its right.
function hiddenNeurons(heights) {
  return heights.flatMap((h, i) => [
    { step: i / BUMPS, weight: STEEP, bias: (-STEEP * i) / BUMPS + 0, out: h },
    { step: (i + 1) / BUMPS, weight: STEEP, bias: (-STEEP * (i + 1)) / BUMPS, out: -h + 0 },
  ]);
}

function weightedSum(heights, x) {
  const terms = hiddenNeurons(heights).map((n) => n.out * sigmoid(n.weight * x + n.bias));
  return terms.reduce((total, each) => total + each, 0);
}

function deviation(heights) {
  const misses = centres(100).map((x) => Math.abs(weightedSum(heights, x) - wanted(x)));
  return misses.reduce((total, each) => total + each, 0) / misses.length;
}

const rounded = (value) => Math.round(Math.min(LIMIT, Math.max(-LIMIT, value)) * 10) / 10;

let heights = Array(BUMPS).fill(0);
let scales = null;
let dragged = null;

function update() {
  const xs = centres(500);
  const sums = xs.map((x) => [x, weightedSum(heights, x)]);
  const axes = { x: [0, 1], xLabel: "⟦input x⟧" };
  const first = [xs.map((x) => [x, wanted(x)]), sums];
  scales = drawChart(byId("sums"), { ...axes, y: [-LIMIT, LIMIT], yLabel: "⟦weighted sum⟧" }, first);
  const second = [xs.map((x) => [x, target(x)]), sums.map(([x, sum]) => [x, sigmoid(sum)])];
  drawChart(byId("outputs"), { ...axes, y: [0, 1], yLabel: "⟦output⟧" }, second);
  placeHandles();
  heights.forEach((h, i) => {
    byId(`h${i + 1}`).value = h;
    tell(byId(`h${i + 1}-told`), h, 1);
  });
  const off = deviation(heights);
  tell(byId("deviation"), off, 3);
  const verdict = off <= BOUND ? "⟦Success!⟧" : "";
  if (byId("verdict").textContent !== verdict) byId("verdict").textContent = verdict;
  byId("weights").replaceChildren();
  hiddenNeurons(heights).forEach((n, i) => {
    addRow(byId("weights"), [[i + 1, 0], [n.step, 1], [n.weight, 0], [n.bias, 0], [n.out, 1]]);
  });
}

// The handles stay the same elements while they are dragged.
function placeHandles() {
  document.querySelectorAll(".handle").forEach((handle, i) => {
    const x = scales.toX(i / BUMPS), y = scales.toY(heights[i]) - 18;
    const width = scales.toX((i + 1) / BUMPS) - x;
    for (const [key, value] of Object.entries({ x, y, width })) handle.setAttribute(key, value);
  });
}

function set(i, value) {
  heights[i] = rounded(value);
  update();
}

function drag(event) {
  if (dragged === null) return;
  const y = event.clientY - byId("sums").getBoundingClientRect().top;
  set(dragged.bump, scales.fromY(y) + dragged.offset);
}

for (let i = 0; i < BUMPS; i += 1) {
  const n = i + 1;
  byId("rows").insertAdjacentHTML("beforeend", `
    <label for="h${n}">h<sub>${n}</sub></label>
    <input type="range" id="h${n}" min="${-LIMIT}" max="${LIMIT}" step="0.1">
    <output id="h${n}-told" for="h${n}"></output>`);
  byId(`h${n}`).addEventListener("input", () => set(i, byId(`h${n}`).valueAsNumber));
  const handle = make(document.querySelector(".handles"), "rect", { class: "handle", height: 36 });
  handle.addEventListener("pointerdown", (event) => {
    const y = event.clientY - byId("sums").getBoundingClientRect().top;
    dragged = { bump: i, offset: heights[i] - scales.fromY(y) };
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", drag);
  for (const end of ["pointerup", "pointercancel"]) {
    handle.addEventListener(end, () => { dragged = null; });
  }
}

byId("fresh").addEventListener("click", () => {
  heights = heights.map(() => rounded(3 * Math.random() - 1.5));
  update();
});
byId("solve").addEventListener("click", () => {
  heights = [...SOLUTION];
  update();
});
new ResizeObserver(update).observe(byId("sums"));
update();
