// Drawings kept with their labels, and the files they leave the page in: PNG, and a set as IDX.

const IDX_NAMES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
const KEPT = "zoo-draw-kept";
const MOST_KEPT = 2000;

// The IDX format: two zeros, the type (8 for bytes), the dimensions, then the bytes.
function idx(shape, bytes) {
  const file = new Uint8Array(4 + 4 * shape.length + bytes.length);
  file.set([0, 0, 8, shape.length]);
  const view = new DataView(file.buffer);
  shape.forEach((length, i) => view.setUint32(4 + 4 * i, length));
  file.set(bytes, 4 + 4 * shape.length);
  return file;
}

// Four files as MNIST has them; every seventh drawing is for the test.
function idxFiles(items) {
  const parts = [items.filter((_, i) => i % 7 !== 6), items.filter((_, i) => i % 7 === 6)];
  return parts.flatMap((part, n) => {
    const images = new Uint8Array(part.length * 784);
    part.forEach((item, i) => images.set(item.bytes, i * 784));
    return [
      { name: IDX_NAMES[2 * n], bytes: idx([part.length, 28, 28], images) },
      { name: IDX_NAMES[2 * n + 1], bytes: idx([part.length], part.map((item) => item.label)) },
    ];
  });
}

// --- a zip file, its contents stored as they are --------------------------------------------------

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// Fields of two ("s") and four ("i") bytes, little-endian, and the words after them.
function fields(format, values, text = "") {
  const bytes = [];
  [...format].forEach((kind, i) => {
    for (let k = 0; k < (kind === "s" ? 2 : 4); k += 1) bytes.push((values[i] >>> (8 * k)) & 255);
  });
  return Uint8Array.from([...bytes, ...new TextEncoder().encode(text)]);
}

function zip(files) {
  const parts = [], directory = [];
  let place = 0;
  const day = 0x21; // the first that the format knows, 1 January 1980
  for (const { name, bytes } of files) {
    const about = [20, 0, 0, 0, day, crc32(bytes), bytes.length, bytes.length, name.length, 0];
    const head = fields("isssssiiiss", [0x04034b50, ...about], name);
    directory.push(fields("issssssiiisssssii", [0x02014b50, 20, ...about, 0, 0, 0, 0, place], name));
    parts.push(head, bytes);
    place += head.length + bytes.length;
  }
  const size = directory.reduce((sum, each) => sum + each.length, 0);
  const end = fields("issssiis", [0x06054b50, 0, 0, files.length, files.length, size, place, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// --- what is kept ---------------------------------------------------------------------------------

class Collection {
  constructor() {
    this.items = [];
    try {
      this.items = JSON.parse(localStorage.getItem(KEPT) ?? "[]")
        .map(({ label, base64 }) => ({ label, bytes: Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)) }))
        .filter(({ label, bytes }) => label >= 0 && label <= 9 && bytes.length === 784);
    } catch {
      // A browser may refuse to remember, or remember nonsense: the set is then empty.
    }
  }

  get full() {
    return this.items.length >= MOST_KEPT;
  }

  add(bytes, label) {
    this.items.push({ bytes, label });
    this.remember();
  }

  remove(item) {
    this.items = this.items.filter((each) => each !== item);
    this.remember();
  }

  remember() {
    try {
      const plain = this.items.map(({ label, bytes }) => ({ label, base64: btoa(String.fromCharCode(...bytes)) }));
      localStorage.setItem(KEPT, JSON.stringify(plain));
      this.forgetful = false;
    } catch {
      this.forgetful = true; // refused: the set lasts as long as the page
    }
  }
}
