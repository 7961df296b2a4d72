const START = [2.5, -1, 3.2, 0.5];

function softmax(z) {
  const largest = Math.max(...z);
  const powers = z.map((each) => Math.exp(each - largest));
  const sum = powers.reduce((total, each) => total + each, 0);
  return powers.map((each) => each / sum);
}

function update() {
  const z = START.map((_, i) => byId(`z${i + 1}`).valueAsNumber);
  const outputs = softmax(z);
  outputs.forEach((output, i) => {
    tell(byId(`z${i + 1}-told`), z[i], 1);
    tell(byId(`a${i + 1}`), output, 5);
    byId(`bar${i + 1}`).style.width = `${100 * output}%`;
  });
  tell(byId("sum"), outputs.reduce((total, each) => total + each, 0), 5);
}

function reset() {
  START.forEach((value, i) => { byId(`z${i + 1}`).value = value; });
  update();
}

START.forEach((_, i) => {
  const n = i + 1;
  byId("rows").insertAdjacentHTML("beforeend", `
    <label for="z${n}">z<sub>${n}</sub></label>
    <input type="range" id="z${n}" min="-5" max="5" step="0.1">
    <output id="z${n}-told" for="z${n}"></output>
    <span>a<sub>${n}</sub></span>
    <div class="bar"><div id="bar${n}"></div></div>
    <output id="a${n}" for="z1 z2 z3 z4" aria-label="⟦output⟧ ${n}"></output>
    <div class="gap"></div>`);
  byId(`z${n}`).addEventListener("input", update);
});
byId("reset").addEventListener("click", reset);
reset();
