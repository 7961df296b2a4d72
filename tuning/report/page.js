// Click a heading to sort by its column; point at a trial, or press its number, to see it everywhere.

const body = document.querySelector("#trials tbody");

function sort(heading) {
  const column = heading.cellIndex;
  const falling = heading.getAttribute("aria-sort") === "ascending";
  const key = (row) => row.cells[column].dataset.value;
  const numbers = [...body.rows].every((row) => key(row) === "" || !isNaN(key(row)));
  const compare = (one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === "" || b === "") return (a === "") - (b === ""); // what is not known comes last
    const order = numbers ? a - b : a.localeCompare(b);
    return falling ? -order : order;
  };
  body.append(...[...body.rows].sort(compare));
  for (const each of heading.parentElement.cells) each.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
}

let pinned = null;

function light(trial, raised) {
  for (const each of document.querySelectorAll(".lit")) each.classList.remove("lit");
  if (trial === null) return;
  for (const each of document.querySelectorAll(`[data-trial="${trial}"]`)) {
    each.classList.add("lit");
    // A picture paints in the order of the document: the last stands in front.
    if (raised && each.ownerSVGElement) each.parentNode.append(each);
  }
}

function pin(button) {
  const trial = button.closest("tr").dataset.trial;
  pinned = pinned === trial ? null : trial;
  for (const each of body.querySelectorAll("button")) {
    each.setAttribute("aria-pressed", String(each.closest("tr").dataset.trial === pinned));
  }
  light(pinned, true);
}

function follow(event) {
  const found = event.target.closest("[data-trial]");
  // What is under the pointer is not moved.
  light(found ? found.dataset.trial : pinned, found?.nodeName === "TR");
}

if (body) {
  for (const heading of document.querySelectorAll("#trials th")) {
    heading.querySelector("button").addEventListener("click", () => sort(heading));
  }
  for (const button of body.querySelectorAll("button")) {
    button.addEventListener("click", () => pin(button));
  }
  document.addEventListener("mouseover", follow);
}
