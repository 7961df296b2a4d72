// A line chart, drawn in pixels so that its text stays readable on a phone.

function make(parent, name, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  parent.append(element);
  return element;
}

function ticks(low, high, most) {
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= raw);
  const places = [];
  for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-9); i += 1) {
    places.push(Number((i * step).toPrecision(6)));
  }
  return places;
}

// Draws curves (lists of [x, y]) into the group `plot` of the SVG; returns the scales used.
function drawChart(svg, { x, y, xLabel, yLabel }, curves) {
  const left = 44, right = 12, top = 28, bottom = 42;
  const width = svg.clientWidth, height = svg.clientHeight;
  const toX = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (width - left - right);
  const toY = (value) => height - bottom - ((value - y[0]) / (y[1] - y[0])) * (height - top - bottom);
  const fromY = (pixel) => y[0] + ((height - bottom - pixel) / (height - top - bottom)) * (y[1] - y[0]);
  const plot = svg.querySelector(".plot");
  plot.replaceChildren();
  for (const value of ticks(...y, 6)) {
    const kind = value === 0 ? "zero" : "grid";
    make(plot, "line", { class: kind, x1: toX(x[0]), x2: toX(x[1]), y1: toY(value), y2: toY(value) });
    make(plot, "text", { x: left - 6, y: toY(value) + 4, "text-anchor": "end" }, value);
  }
  for (const value of ticks(...x, 6)) {
    make(plot, "line", { class: "grid", x1: toX(value), x2: toX(value), y1: toY(y[0]), y2: toY(y[1]) });
    make(plot, "text", { x: toX(value), y: height - bottom + 18, "text-anchor": "middle" }, value);
  }
  make(plot, "text", { x: left - 36, y: 16 }, yLabel);
  make(plot, "text", { x: toX((x[0] + x[1]) / 2), y: height - 6, "text-anchor": "middle" }, xLabel);
  curves.forEach((points, number) => {
    const path = points.map(([a, b]) => `${toX(a).toFixed(2)},${toY(b).toFixed(2)}`).join(" ");
    make(plot, "polyline", { class: `curve curve${number}`, points: path });
  });
  return { toX, toY, fromY };
}

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

const byId = (id) => document.getElementById(id);

// Shows a number rounded, and keeps it whole in the attribute data-value.
function tell(element, value, digits) {
  element.dataset.value = value;
  element.textContent = value.toFixed(digits);
}

// One row of cells; numbers come as [value, digits].
function addRow(body, cells) {
  const row = body.insertRow();
  for (const [value, digits] of cells) tell(row.insertCell(), value, digits);
}
