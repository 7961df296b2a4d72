// The page: what is drawn goes to the networks, and their answers to the views.

const state = { seen: null, shown: null, answers: new Map(), source: "nothing", label: null };
const collection = new Collection();
const pad = new Pad(byId("pad"), () => renew());
const networks = new Networks(ZOO, () => { progress(); choices(); renew(); });
const rows = new Rows(byId("networks"), networks.all);
const votes = networks.all.filter((network) => network.rule);
const vote = votes.at(-1); // the one of the ballots and of the digits that are missed
let digits = null; // test images with labels; the first `missed` are those that the vote gets wrong
let colors = palette();

// --- from the drawing to the answers --------------------------------------------------------------

let asked = 0, busy = false, idle = Promise.resolve();

// Only the newest drawing is worth an answer: what comes while one is being made waits, as one.
function renew() {
  asked += 1;
  tools();
  if (!busy) idle = work();
  return idle;
}

async function work() {
  busy = true;
  let done = 0;
  try {
    while (done !== asked) {
      done = asked;
      await answer();
    }
  } finally {
    busy = false;
  }
}

async function answer() {
  if (pad.empty) return nothing("nothing");
  const seen = pad.image ?? await networks.see(pad.raster);
  if (!seen) return nothing("speck");
  state.seen = seen;
  state.source = pad.image ? "digit" : "drawing";
  state.shown = await attack(seen);
  showSeen();
  const ready = networks.all.filter((network) => networks.ready(network));
  for (const network of ready) {
    const shown = await networks.answer(network, state.shown);
    state.answers.set(network.name, shown);
    rows.fill(network, network.rule ? shown.answer : shown.probabilities, shown.digit);
  }
  showVerdict();
  if (vote) showVotes(byId("ballots"), byId("tally"), state.answers.get(vote.name), networks.engine.argmax);
  await inside();
  return undefined;
}

function nothing(why) {
  state.seen = state.shown = null;
  state.source = why;
  state.labelled = false;
  state.answers.clear();
  for (const network of networks.all) rows.fill(network, null);
  showSeen();
  showVerdict();
  if (vote) showVotes(byId("ballots"), byId("tally"), null, networks.engine.argmax);
  return inside();
}

async function attack(seen) {
  const epsilon = Number(byId("epsilon").value);
  const victim = networks.all.find((network) => network.name === byId("victim").value);
  const signs = byId("signs");
  signs.parentElement.hidden = !epsilon || !victim;
  if (!epsilon || !victim || !networks.ready(victim)) return seen;
  const { digit } = await networks.answer(victim, seen);
  const gradients = await networks.gradient(victim, seen, digit);
  paint(signs, Array.from(gradients, Math.sign), 28, colors);
  return networks.engine.attacked(seen, gradients, epsilon);
}

// --- what it shows --------------------------------------------------------------------------------

function showSeen() {
  paint(byId("seen"), asInk(state.shown ?? new Uint8Array(784)), 28, colors, "ink");
  const epsilon = Number(byId("epsilon").value);
  byId("seen-caption").textContent = state.shown && epsilon ? "seen, attacked" : "seen";
  if (!state.seen) byId("signs").parentElement.hidden = true;
}

function showVerdict() {
  const judge = [...networks.all].reverse().find((network) => state.answers.has(network.name));
  const shown = judge && state.answers.get(judge.name);
  document.body.classList.toggle("answered", Boolean(shown));
  byId("digit").textContent = shown ? shown.digit : "?";
  byId("invitation").hidden = state.source !== "nothing";
  const p = shown && shown.probabilities[shown.digit];
  byId("sure").textContent = shown ? (p > 0.99 ? "No doubt" : p > 0.9 ? "Fairly sure" : p > 0.6 ? "Not quite sure" : "Torn")
    : { speck: "Too small to be a digit" }[state.source] ?? "No digit yet";
  byId("by").textContent = shown ? `${percent(p)}, says ${spoken(judge)}${truth()}`
    : "Answers appear while you draw.";
  if (shown && state.source === "drawing" && !state.labelled) byId("label").value = shown.digit;
  speak(shown ? `${capitalized(spoken(judge))} reads ${shown.digit}, ${percent(p)}.` : "");
}

// A vote needs no name where it is the only one.
function spoken(network) {
  if (!network.rule || votes.length > 1) return network.name;
  return `the vote of ${counted(network.members.length)}`;
}

// To screen readers, once the answer has stayed the same for a while.
function speak(words) {
  if (words === speak.words) return;
  speak.words = words;
  clearTimeout(speak.timer);
  speak.timer = setTimeout(() => { byId("spoken").textContent = words; }, 500);
}

const truth = () => (state.source === "digit" && state.label !== null ? `. It is a ${state.label}.` : "");

async function inside() {
  const [network, member] = chosenMember();
  if (!member || !networks.loaded.has(member.key)) return;
  const root = byId("layers");
  if (root.dataset.key !== member.key) {
    root.dataset.key = member.key;
    insideFrame(root, member, colors);
    byId("inside-note").textContent = `${network.layers.join("; ")}. ${network.score}`;
  }
  const activations = state.shown && await networks.inside(network, member, state.shown);
  showInside(root, member, activations, colors);
}

function chosenMember() {
  const key = byId("shown").value;
  const network = networks.all.find((each) => each.members.some((member) => member.key === key));
  return [network, network?.members.find((member) => member.key === key)];
}

// --- loading --------------------------------------------------------------------------------------

function progress() {
  const { bytesLoaded, bytesInAll } = networks;
  const million = (bytes) => (bytes / 1e6).toFixed(1);
  byId("progress").value = bytesLoaded / bytesInAll;
  const { all, failed } = networks;
  const broken = all.filter((network) => network.members.some((member) => failed.has(member.key))).length;
  const ready = all.filter((network) => networks.ready(network)).length;
  byId("progress-text").textContent = broken
    ? `${broken} of ${all.length} networks could not be loaded: their files belong beside this page.`
    : `${ready} of ${all.length} networks here, ${million(bytesLoaded)} of ${million(bytesInAll)} MB`;
  byId("loading").hidden = bytesLoaded === bytesInAll;
}

// The two lists of networks to choose from, as far as they have arrived.
function choices() {
  const add = (select, value, words) => {
    if ([...select.options].some((each) => each.value === value)) return;
    select.append(make("option", { value }, words));
  };
  for (const network of networks.all.filter((each) => networks.ready(each))) {
    add(byId("victim"), network.name, network.rule ? `${network.name}, all ${counted(network.members.length)}` : network.name);
    network.members.forEach((member, n) => {
      add(byId("shown"), member.key, network.rule ? `${network.name}, member ${n + 1}` : network.name);
    });
  }
}

// --- digits of the test set -----------------------------------------------------------------------

// Called by digits.js.
async function zooDigits({ base64, labels, places, missed }) {
  const bytes = await networks.engine.inflated(base64);
  const image = (n) => bytes.subarray(n * 784, (n + 1) * 784);
  digits = { image, labels, places, missed: missed.length };
  byId("missed").append(...missed.map((said, n) => {
    const words = `${labels[n]} → ${said}: test image ${places[n]}, meant as ${labels[n]}, read as ${said}`;
    const button = make("button", { type: "button", class: "thumb", "aria-label": words, title: words },
      thumbnail(image(n), colors), make("span", {}, `${labels[n]} → ${said}`));
    button.addEventListener("click", () => { showDigit(n); byId("pad").scrollIntoView({ block: "nearest" }); });
    return button;
  }));
  if (vote) byId("missed-title").textContent = `The ${missed.length} that ${spoken(vote)} gets wrong`;
  byId("missed").closest("section").hidden = !missed.length;
  tools();
}

function showDigit(n) {
  state.label = digits.labels[n];
  byId("label").value = digits.labels[n];
  pad.show(digits.image(n));
}

function randomDigit() {
  const rest = digits.labels.length - digits.missed;
  showDigit(digits.missed + Math.floor(Math.random() * rest));
}

// --- one's own hand -------------------------------------------------------------------------------

function tools() {
  for (const id of ["undo", "clear"]) byId(id).disabled = pad.empty;
  byId("random").disabled = !digits;
  for (const id of ["keep", "png", "label"]) byId(id).disabled = pad.empty || Boolean(pad.image);
  byId("idx").disabled = collection.items.length < 7;
}

function showKept() {
  const { items } = collection;
  byId("kept").replaceChildren(...items.map((item) => {
    const button = make("button", { type: "button", class: "thumb", "aria-label": `${item.label} ×: remove this drawing of a ${item.label}` },
      thumbnail(item.bytes, colors), make("span", {}, `${item.label} ×`));
    button.addEventListener("click", () => { collection.remove(item); showKept(); });
    return button;
  }));
  const notes = [items.length < 7 && "A set takes seven or more.",
    collection.full && "No more are kept: remove some, or save the set.",
    collection.forgetful && "This browser remembers nothing more: save the set before you leave."];
  byId("kept-note").textContent = !items.length ? "" : [`${items.length} kept.`, ...notes.filter(Boolean)].join(" ");
  tools();
}

async function keep() {
  await renew();
  if (!state.seen || state.source !== "drawing") return;
  if (!collection.full) {
    collection.add(state.seen, Number(byId("label").value));
    pad.clear();
  }
  showKept();
}

// The raster as it is, so that `zoo predict` sees what this page saw.
function savePicture() {
  const canvas = make("canvas", { width: PAD.side, height: PAD.side });
  const pen = canvas.getContext("2d");
  const picture = pen.createImageData(PAD.side, PAD.side);
  pad.raster.grey.forEach((byte, i) => picture.data.set([byte, byte, byte, 255], 4 * i));
  pen.putImageData(picture, 0, 0);
  const now = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  return new Promise((resolve) => canvas.toBlob((blob) => {
    save(blob, `digit-${byId("label").value}-${now}.png`);
    resolve(blob);
  }));
}

const savedSet = () => zip(idxFiles(collection.items));

// --- events ---------------------------------------------------------------------------------------

byId("label").append(...DIGITS.map((digit) => make("option", { value: digit }, String(digit))));
byId("undo").addEventListener("click", () => pad.undo());
byId("clear").addEventListener("click", () => { pad.clear(); byId("epsilon").value = 0; byId("epsilon-value").textContent = 0; });
byId("random").addEventListener("click", randomDigit);
byId("pen").addEventListener("input", () => { pad.pen = Number(byId("pen").value); });
byId("epsilon").addEventListener("input", () => { byId("epsilon-value").textContent = byId("epsilon").value; renew(); });
byId("label").addEventListener("change", () => { state.labelled = true; });
byId("victim").addEventListener("change", renew);
byId("shown").addEventListener("change", renew);
byId("keep").addEventListener("click", keep);
byId("png").addEventListener("click", savePicture);
byId("idx").addEventListener("click", () => save(savedSet(), "my-digits.zip"));
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select")) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); pad.undo(); }
  if (event.key === "Escape") pad.clear();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  colors = palette();
  delete byId("layers").dataset.key;
  pad.draw();
  showKept();
  for (const [n, canvas] of byId("missed").querySelectorAll("canvas").entries()) paint(canvas, asInk(digits.image(n)), 28, colors, "ink");
  renew();
});

if (vote) {
  byId("vote-title").textContent = `${capitalized(counted(vote.members.length))} votes`;
  byId("voters").textContent = `The members of ${vote.name}`;
  byId("ballots").closest("section").hidden = false;
}
progress();
showKept();
const loaded = networks.load();
if (ZOO.digits) addScript(ZOO.digits).catch(() => {});
nothing("nothing");
