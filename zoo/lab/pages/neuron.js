const EPOCHS = 300;

const softplus = (z) => (z > 30 ? z : Math.log1p(Math.exp(z)));

// For x = 1 and y = 0: the cost, what a step subtracts from w and b over eta, and the usual eta.
const COSTS = {
  quadratic: { cost: (z) => sigmoid(z) ** 2 / 2, slope: (a) => a * a * (1 - a), eta: 0.15 },
  cross_entropy: { cost: softplus, slope: (a) => a, eta: 0.05 },
  book_frames: { cost: softplus, slope: (a) => 1 / (1 - a), eta: 0.005 },
};

function train(kind, weight, bias, eta) {
  const frames = [];
  for (let epoch = 0; epoch <= EPOCHS; epoch += 1) {
    const output = sigmoid(weight + bias);
    frames.push({ epoch, weight, bias, output, cost: COSTS[kind].cost(weight + bias) });
    const change = eta * COSTS[kind].slope(output);
    weight -= change;
    bias -= change;
  }
  return frames;
}

let frames = [];
let learnt = false;
let animation = 0;

const kind = () => document.querySelector("input[name=cost]:checked").value;

function show(epoch) {
  const shown = frames.slice(0, epoch + 1);
  const axes = { x: [0, EPOCHS], y: [0, Math.max(...frames.map((each) => each.cost)) * 1.05] };
  const labels = { xLabel: "⟦epoch⟧", yLabel: "⟦cost⟧" };
  const svg = byId("chart");
  const points = shown.map((each) => [each.epoch, each.cost]);
  const { toX, toY } = drawChart(svg, { ...axes, ...labels }, [points]);
  const now = frames[epoch];
  make(svg.querySelector(".plot"), "circle", { class: "dot", cx: toX(epoch), cy: toY(now.cost), r: 5 });
  byId("scrub").value = epoch;
  tell(byId("epoch"), epoch, 0);
  for (const key of ["weight", "bias", "output", "cost"]) tell(byId(`now-${key}`), now[key], 4);
}

function showFrames() {
  byId("frames").replaceChildren();
  for (const each of frames.filter((frame) => learnt && frame.epoch % 50 === 0)) {
    const cells = [each.weight, each.bias, each.output].map((value) => [value, 2]);
    addRow(byId("frames"), [[each.epoch, 0], ...cells, [each.cost, 4]]);
  }
}

// Back to epoch 0 with the settings as they are; false, with a message, where one is no good.
function prepare() {
  cancelAnimationFrame(animation);
  learnt = false;
  const wrong = ["weight", "bias", "eta"].map(byId).find((each) => !each.checkValidity());
  byId("message").textContent = wrong
    ? `${wrong.labels[0].textContent.trim()}⟦: a number from⟧ ${wrong.min} ⟦to⟧ ${wrong.max}⟦, please.⟧`
    : "";
  byId("scrub").disabled = true;
  if (wrong) {
    showFrames();
    wrong.focus();
    return false;
  }
  frames = train(kind(), ...["weight", "bias", "eta"].map((id) => byId(id).valueAsNumber));
  showFrames();
  show(0);
  return true;
}

function run(event) {
  event.preventDefault();
  if (!prepare()) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const began = performance.now();
  const step = () => {
    const epoch = still ? EPOCHS : Math.min(EPOCHS, Math.floor((performance.now() - began) / 8));
    show(epoch);
    if (epoch < EPOCHS) {
      animation = requestAnimationFrame(step);
      return;
    }
    learnt = true;
    showFrames();
    byId("scrub").disabled = false;
    byId("message").textContent = `⟦After 300 epochs the output is⟧ ${frames[EPOCHS].output.toFixed(2)}⟦.⟧`;
  };
  step();
}

function start(weight, bias) {
  byId("weight").value = weight;
  byId("bias").value = bias;
  prepare();
}

byId("settings").addEventListener("submit", run);
byId("good").addEventListener("click", () => start(0.6, 0.9));
byId("bad").addEventListener("click", () => start(2, 2));
for (const id of ["weight", "bias", "eta"]) byId(id).addEventListener("change", prepare);
for (const radio of document.querySelectorAll("input[name=cost]")) {
  radio.addEventListener("change", () => {
    byId("eta").value = COSTS[kind()].eta;
    prepare();
  });
}
byId("scrub").addEventListener("input", () => show(byId("scrub").valueAsNumber));
new ResizeObserver(() => show(byId("scrub").valueAsNumber)).observe(byId("chart"));
prepare();
