// What the page shows: the networks' rows, the votes, and the inside of one network.

const byId = (id) => document.getElementById(id);
const percent = (p) => `${(100 * p).toFixed(p > 0.995 && p < 0.99995 ? 2 : 0)} %`;
const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);

// An element with attributes, and children: elements or words.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// A name that may be broken after its underscores.
const breakable = (name) => name.split(/(?<=_)/).flatMap((part) => [part, make("wbr")]);

// --- pictures -------------------------------------------------------------------------------------

// The page's colours as numbers, in the scheme, dark or light, that the reader has.
function palette() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["paper", "ink", "more", "less"].map((name) => {
    const hex = style.getPropertyValue(`--map-${name}`).trim();
    return [name, [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16))];
  }));
}

// Values from -1 to 1 as pixels: 0 is paper; up to `more`, or to `ink` if told so, down to `less`.
function paint(canvas, values, width, colors, up = "more") {
  canvas.width = width;
  canvas.height = Math.ceil(values.length / width);
  const pen = canvas.getContext("2d");
  const picture = pen.createImageData(canvas.width, canvas.height);
  values.forEach((value, i) => {
    const share = Math.min(1, Math.abs(value));
    const end = colors[value < 0 ? "less" : up];
    for (let c = 0; c < 3; c += 1) picture.data[4 * i + c] = colors.paper[c] + share * (end[c] - colors.paper[c]);
    picture.data[4 * i + 3] = 255;
  });
  pen.putImageData(picture, 0, 0);
  return canvas;
}

const asInk = (bytes) => Array.from(bytes, (byte) => byte / 255);
const largest = (values) => values.reduce((most, each) => Math.max(most, Math.abs(each)), 0) || 1;

function thumbnail(bytes, colors) {
  return paint(make("canvas", { "aria-hidden": "true" }), asInk(bytes), 28, colors, "ink");
}

// --- the networks side by side --------------------------------------------------------------------

// One row a network, ten cells each; filled in by `fill`.
class Rows {
  constructor(root, networks) {
    this.rows = new Map();
    const heads = DIGITS.map((digit) => make("span", { role: "columnheader" }, String(digit)));
    const name = make("span", { role: "columnheader", class: "hidden" }, "network");
    const says = make("span", { role: "columnheader", class: "hidden" }, "answer");
    root.append(make("div", { role: "row", class: "row head" }, name, says, ...heads));
    for (const network of networks) {
      const title = make("span", { role: "rowheader", class: "name", title: network.layers.join("; ") },
        ...breakable(network.name), make("small", {}, network.summary));
      const answer = make("span", { role: "cell", class: "answer" }, "·");
      const cells = DIGITS.map(() => make("span", { role: "cell", class: "cell" }));
      const row = make("div", { role: "row", class: "row waiting", "data-network": network.name }, title, answer, ...cells);
      root.append(row);
      this.rows.set(network.name, { row, answer, cells });
    }
  }

  // Outputs may be null: nothing drawn, or not loaded yet.
  fill(network, outputs, digit) {
    const { row, answer, cells } = this.rows.get(network.name);
    row.classList.toggle("waiting", !outputs);
    answer.textContent = outputs ? digit : "·";
    cells.forEach((cell, j) => {
      const p = outputs ? outputs[j] : 0;
      cell.dataset.value = outputs ? p : "";
      cell.textContent = outputs && p >= 0.005 ? Math.round(100 * p) : "";
      // Apart in the middle, so that the figures can be read on every shade.
      const shade = p < 0.5 ? 80 * p : 75 + 50 * (p - 0.5);
      cell.style.setProperty("--shade", `${shade.toFixed(1)}%`);
      cell.classList.toggle("high", p >= 0.5);
      cell.classList.toggle("best", Boolean(outputs) && j === digit);
    });
  }
}

// --- the votes ------------------------------------------------------------------------------------

const counted = (n) => ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"][n] ?? String(n);
const capitalized = (words) => words[0].toUpperCase() + words.slice(1);

function showVotes(root, line, told, argmax) {
  const ballots = told ? told.outputs.map((each) => argmax(each)) : [];
  root.replaceChildren(...DIGITS.map((digit) => {
    const dots = ballots.flatMap((ballot, n) => (ballot === digit ? [make("i", {}, String(n + 1))] : []));
    return make("div", dots.length ? { class: "chosen" } : {}, ...dots, make("b", {}, String(digit)));
  }));
  const counts = DIGITS.map((digit) => ballots.filter((each) => each === digit).length);
  const said = DIGITS.filter((digit) => counts[digit]).sort((a, b) => counts[b] - counts[a]);
  const words = said.map((digit) => `${counts[digit]} for ${digit}`).join(", ");
  root.setAttribute("aria-label", words ? `Votes: ${words}` : "No votes yet");
  line.textContent = !told ? "" : said.length === 1 ? `All ${counted(ballots.length)} say ${said[0]}.` : `${words}: the answer is ${told.digit}.`;
}

// --- the inside -----------------------------------------------------------------------------------

// The first layer's weights as pictures: of a convolution its filters, else the fields of neurons.
function weightPictures(member, colors) {
  const record = member.records[0];
  const outputs = record.output.at(-1);
  const inputs = member.kernel.length / outputs;
  const width = record.kind === "conv" ? record.size : record.input[1];
  return Array.from({ length: Math.min(outputs, 100) }, (_, filter) => {
    const values = Float32Array.from({ length: inputs }, (_, i) => member.kernel[i * outputs + filter]);
    const most = largest(values);
    return paint(make("canvas", { "aria-hidden": "true" }), values.map((each) => each / most), width, colors);
  });
}

// One layer's activations: maps of a convolution, or one cell for each neuron.
function activationPictures(record, values, colors) {
  const most = record.activation === "sigmoid" || record.activation === "softmax" ? 1 : largest(values);
  if (record.output.length === 1) {
    const wide = values.length > 100 ? 50 : values.length > 10 ? 20 : 10;
    const canvas = make("canvas", { "aria-hidden": "true", class: values.length > 100 ? "units many" : "units" });
    return [paint(canvas, values.map((each) => each / most), Math.min(wide, values.length), colors)];
  }
  const [rows, columns, filters] = record.output;
  return Array.from({ length: filters }, (_, f) => {
    const map = Float32Array.from({ length: rows * columns }, (_, i) => values[i * filters + f] / most);
    return paint(make("canvas", { "aria-hidden": "true" }), map, columns, colors);
  });
}

function layerTitle(record, number) {
  const units = record.output.at(-1);
  if (record.kind === "conv") {
    const [rows, columns] = record.output;
    return `Layer ${number}: ${units} feature maps of ${rows} × ${columns}, ${record.activation}`;
  }
  return `Layer ${number}: ${units} neurons, ${record.activation}`;
}

// The boxes that the pictures of a member go into; made once for each member.
function insideFrame(root, member, colors) {
  const kind = member.records[0].kind === "conv" ? "filters" : "weights";
  const weights = make("div", { class: `strip ${kind}`, role: "img", "aria-label": `The ${kind} of the first layer` },
    ...weightPictures(member, colors));
  const first = make("section", {}, make("h3", {}, kind === "filters" ? "What its filters look for" : "What its neurons look for"), weights);
  const others = member.records.map((record, n) => {
    const title = layerTitle(record, n + 1);
    const kind = record.kind === "conv" ? `maps maps${n}` : "neurons";
    return make("section", {}, make("h3", {}, title), make("div", { class: `strip ${kind}`, role: "img", "aria-label": title }));
  });
  root.replaceChildren(first, ...others);
}

// The newest activations into the frame; null empties it.
function showInside(root, member, activations, colors) {
  const strips = [...root.querySelectorAll(".strip")].slice(1);
  strips.forEach((strip, n) => {
    const record = member.records[n];
    const values = activations ? activations[n] : new Float32Array(record.output.reduce((a, b) => a * b, 1));
    strip.replaceChildren(...activationPictures(record, values, colors));
  });
}
