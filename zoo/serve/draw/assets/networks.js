// The networks of the page: which there are, the workers that compute them, and how they arrive.
//
// A page opened as a file may fetch nothing and start no worker from a file. So weights come as
// classic scripts that call `zooWeights`, and workers from a blob of the engine's own text.

const arrived = new Map(); // base64 by file, until a worker has taken it

function zooWeights(file, base64) {
  arrived.set(file, base64);
}

// One worker, asked by messages; each answer is a promise.
class Thinker {
  constructor(source) {
    this.worker = new Worker(source);
    this.waiting = new Map();
    this.asked = 0;
    this.worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error) reject(new Error(data.error));
      else resolve(data.result);
    };
  }

  ask(task, record = {}) {
    const id = (this.asked += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, task, ...record });
    });
  }
}

class Networks {
  // `record` is what the exporter wrote: networks with members and, of a vote, its tie-break.
  constructor(record, changed) {
    this.record = record;
    this.all = record.networks;
    this.changed = changed;
    this.members = this.all.flatMap((network) => network.members);
    this.loaded = new Set();
    this.failed = new Set();
    const text = `const engine = (${zooEngine})(); engine.serve(self, (${zooPreprocess})());`;
    const source = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    // The small networks answer while the vote's members are still at it.
    this.thinkers = [new Thinker(source), new Thinker(source)];
    this.engine = zooEngine();
  }

  thinkerOf(network) {
    return this.thinkers[network.members.length > 1 ? 1 : 0];
  }

  ready(network) {
    return network.members.every((member) => this.loaded.has(member.key));
  }

  get bytesInAll() {
    return this.members.reduce((sum, member) => sum + member.bytes, 0);
  }

  get bytesLoaded() {
    return this.members.filter((member) => this.loaded.has(member.key)).reduce((sum, member) => sum + member.bytes, 0);
  }

  // One after the other: what came with the page at once, the others as they are listed.
  async load() {
    const late = (network) => Number(!arrived.has(network.members[0].file));
    for (const network of [...this.all].sort((a, b) => late(a) - late(b))) {
      for (const member of network.members) {
        try {
          if (!arrived.has(member.file)) await addScript(member.file);
          const base64 = arrived.get(member.file);
          const { key, records, precision, scale } = member;
          const { kernel } = await this.thinkerOf(network).ask("load", { key, records, precision, scale, base64 });
          member.kernel = kernel;
          arrived.delete(member.file);
          this.loaded.add(member.key);
        } catch {
          this.failed.add(member.key);
        }
        this.changed();
      }
    }
  }

  see(raster) {
    return this.thinkers[0].ask("see", { grey: raster.grey, width: PAD.side, height: PAD.side });
  }

  // The outputs of a network and what they come to: of a vote its members' as well.
  async answer(network, bytes) {
    const keys = network.members.filter((member) => this.loaded.has(member.key)).map((member) => member.key);
    const outputs = await this.thinkerOf(network).ask("answer", { keys, bytes });
    if (!network.rule) return { outputs, probabilities: outputs[0], answer: outputs[0], digit: this.engine.argmax(outputs[0]) };
    const { votes, probabilities, answer } = this.engine.tally(outputs, network.weights, network.rule, network.tieBreak);
    return { outputs, votes, probabilities, answer, digit: this.engine.argmax(answer) };
  }

  inside(network, member, bytes) {
    return this.thinkerOf(network).ask("inside", { key: member.key, bytes });
  }

  gradient(network, bytes, digit) {
    const keys = network.members.map((member) => member.key);
    return this.thinkerOf(network).ask("gradient", { keys, bytes, digit });
  }
}

function addScript(file) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = file;
    script.onload = () => { script.remove(); resolve(); };
    script.onerror = () => reject(new Error(`${file} cannot be loaded`));
    document.head.append(script);
  });
}
