// The networks: decode their numbers, walk them forwards, and backwards to the pixels.
//
// Everything is inside one function, since its text also becomes the worker's script: a page that
// was opened as a file may start no worker from another file.

function zooEngine() {
  "use strict";

  // --- numbers -----------------------------------------------------------------------------------

  function bytesOf(base64) {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  async function inflated(base64) {
    const stream = new Blob([bytesOf(base64)]).stream();
    const whole = stream.pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(whole).arrayBuffer());
  }

  // A half has 1 bit of sign, 5 of exponent and 10 of fraction; these are the exponents' powers.
  const POWERS = Float64Array.from({ length: 31 }, (_, e) => 2 ** (Math.max(e, 1) - 25));

  function fromHalf(half) {
    const exponent = (half >> 10) & 31;
    const fraction = (half & 1023) + (exponent ? 1024 : 0);
    return (half & 0x8000 ? -1 : 1) * fraction * POWERS[exponent];
  }

  // Reads arrays one after the other; slices are copies, so that they begin where types may begin.
  function reader(bytes) {
    let place = 0;
    const take = (count, Type) => {
      const size = count * Type.BYTES_PER_ELEMENT;
      const part = bytes.slice(place, place + size);
      place += size;
      return new Type(part.buffer);
    };
    return {
      floats: (count) => take(count, Float32Array),
      halves: (count) => Float32Array.from(take(count, Uint16Array), fromHalf),
      int8: (count, outputs) => {
        const scales = take(outputs, Float32Array);
        const whole = take(count, Int8Array);
        const floats = new Float32Array(count);
        for (let i = 0; i < count; i += 1) floats[i] = whole[i] * scales[i % outputs];
        return floats;
      },
    };
  }

  const product = (shape) => shape.reduce((a, b) => a * b, 1);

  // The layers of a network, each with its record, its kernel and its bias.
  function unpack(records, precision, bytes) {
    const read = reader(bytes);
    return records.map((record) => {
      const outputs = record.output[record.output.length - 1];
      const inputs = record.kind === "conv" ? record.size ** 2 * record.input[2] : product(record.input);
      const count = inputs * outputs;
      const kernel = { float32: read.floats, float16: read.halves, int8: read.int8 }[precision](count, outputs);
      return { ...record, kernel, bias: read.floats(outputs) };
    });
  }

  // --- forwards ----------------------------------------------------------------------------------

  const ACTIVATIONS = {
    linear: (z) => z,
    relu: (z) => (z > 0 ? z : 0),
    sigmoid: (z) => 1 / (1 + Math.exp(-z)),
    tanh: Math.tanh,
  };

  function activate(name, z) {
    if (name !== "softmax") return z.map(ACTIVATIONS[name]);
    const most = Math.max(...z);
    const powers = z.map((each) => Math.exp(each - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((each) => each / sum);
  }

  // out[j] += factor * kernel[row, j]: a row of the kernel has one number for each output.
  function addRow(out, kernel, row, factor) {
    const start = row * out.length;
    for (let j = 0; j < out.length; j += 1) out[j] += factor * kernel[start + j];
  }

  function dense(layer, x) {
    const z = Float32Array.from(layer.bias);
    // Most pixels, and half of the rectified activations, are 0 and bring nothing.
    for (let i = 0; i < x.length; i += 1) if (x[i] !== 0) addRow(z, layer.kernel, i, x[i]);
    return { z };
  }

  // What all filters see of the field whose upper left corner is (top, left).
  function convolve(layer, x, top, left, z) {
    const [, width, channels] = layer.input;
    const size = layer.size;
    z.set(layer.bias);
    for (let ky = 0; ky < size; ky += 1) {
      for (let kx = 0; kx < size; kx += 1) {
        const from = ((top + ky) * width + left + kx) * channels;
        const row = (ky * size + kx) * channels;
        for (let c = 0; c < channels; c += 1) {
          if (x[from + c] !== 0) addRow(z, layer.kernel, row + c, x[from + c]);
        }
      }
    }
  }

  // The largest of each pool, and the position that it came from, row * width + column.
  function conv(layer, x) {
    const [rows, columns, filters] = layer.output;
    const width = layer.input[1];
    const z = new Float32Array(rows * columns * filters).fill(-Infinity);
    const origin = new Int32Array(z.length);
    const here = new Float32Array(filters);
    for (let top = 0; top < rows * layer.pool; top += 1) {
      for (let left = 0; left < columns * layer.pool; left += 1) {
        convolve(layer, x, top, left, here);
        const out = (Math.floor(top / layer.pool) * columns + Math.floor(left / layer.pool)) * filters;
        for (let f = 0; f < filters; f += 1) {
          if (here[f] > z[out + f]) {
            z[out + f] = here[f];
            origin[out + f] = top * width + left;
          }
        }
      }
    }
    return { z, origin };
  }

  // Bytes in, and what every layer puts out; the last are the network's ten outputs.
  function forward({ layers, scale }, bytes) {
    let x = Float32Array.from(bytes, (byte) => byte * scale);
    return layers.map((layer) => {
      const { z, origin } = (layer.kind === "conv" ? conv : dense)(layer, x);
      x = activate(layer.activation, z);
      return { a: x, origin };
    });
  }

  // --- backwards ---------------------------------------------------------------------------------

  // The derivative of an activation, from its value.
  const SLOPES = {
    linear: () => 1,
    relu: (a) => (a > 0 ? 1 : 0),
    sigmoid: (a) => a * (1 - a),
    tanh: (a) => 1 - a * a,
  };

  // dC/dz of the outputs, a - y: of -ln a_y for softmax, of the cross-entropy for sigmoids (eq. 66
  // and 89 of the book), and with the slope of the quadratic cost for the others.
  function outputError(layer, a, digit) {
    return a.map((each, j) => {
      const off = each - (j === digit ? 1 : 0);
      return ["softmax", "sigmoid"].includes(layer.activation) ? off : off * SLOPES[layer.activation](each);
    });
  }

  function denseBack(layer, delta) {
    const back = new Float32Array(product(layer.input));
    for (let i = 0; i < back.length; i += 1) {
      let sum = 0;
      const start = i * delta.length;
      for (let j = 0; j < delta.length; j += 1) sum += layer.kernel[start + j] * delta[j];
      back[i] = sum;
    }
    return back;
  }

  // Each error goes back to the field that won its pool.
  function convBack(layer, delta, origin) {
    const [, width, channels] = layer.input;
    const filters = layer.output[2];
    const size = layer.size;
    const back = new Float32Array(product(layer.input));
    for (let out = 0; out < delta.length; out += 1) {
      if (delta[out] === 0) continue;
      const filter = out % filters;
      for (let ky = 0; ky < size; ky += 1) {
        for (let kx = 0; kx < size; kx += 1) {
          const from = (origin[out] + ky * width + kx) * channels;
          const row = (ky * size + kx) * channels;
          for (let c = 0; c < channels; c += 1) {
            back[from + c] += layer.kernel[(row + c) * filters + filter] * delta[out];
          }
        }
      }
    }
    return back;
  }

  // How the cost of saying `digit` grows with each pixel, in units of bytes.
  function gradient({ layers, scale }, bytes, digit) {
    const passed = forward({ layers, scale }, bytes);
    const last = layers.length - 1;
    let delta = outputError(layers[last], passed[last].a, digit);
    for (let n = last; n >= 0; n -= 1) {
      const layer = layers[n];
      delta = layer.kind === "conv" ? convBack(layer, delta, passed[n].origin) : denseBack(layer, delta);
      if (n === 0) break;
      const slope = SLOPES[layers[n - 1].activation];
      const a = passed[n - 1].a;
      for (let i = 0; i < delta.length; i += 1) delta[i] *= slope(a[i]);
    }
    return delta.map((each) => each * scale);
  }

  // --- the vote ----------------------------------------------------------------------------------

  const argmax = (values) => values.reduce((best, each, i) => (each > values[best] ? i : best), 0);

  // The shares of the votes and the mean probabilities, as Tally of zoo/ counts them.
  function tally(outputs, weights, rule, tieBreak) {
    const total = outputs.reduce((sum, _, n) => sum + (weights[n] ?? 1), 0);
    const votes = new Float64Array(outputs[0].length);
    const probabilities = new Float64Array(outputs[0].length);
    outputs.forEach((a, n) => {
      const share = (weights[n] ?? 1) / total;
      const sum = Math.max(a.reduce((x, y) => x + y, 0), 1e-7);
      votes[argmax(a)] += share;
      a.forEach((each, j) => { probabilities[j] += (share * each) / sum; });
    });
    const answer = rule === "mean"
      ? probabilities
      : votes.map((each, j) => (each + tieBreak * probabilities[j]) / (1 + tieBreak));
    return { votes, probabilities, answer };
  }

  // The fast gradient sign method (Goodfellow et al. 2014), as zoo's `fgsm` moves bytes.
  function attacked(bytes, gradients, epsilon) {
    return Uint8Array.from(bytes, (byte, i) => Math.min(255, Math.max(0, byte + epsilon * Math.sign(gradients[i]))));
  }

  // --- the worker's side -------------------------------------------------------------------------

  function serve(scope, preprocess) {
    const networks = new Map();
    const tasks = {
      async load({ key, records, precision, scale, base64 }) {
        const layers = unpack(records, precision, await inflated(base64));
        networks.set(key, { layers, scale });
        return { kernel: layers[0].kernel };
      },
      see: ({ grey, width, height }) => preprocess.digitOf(grey, width, height),
      answer: ({ keys, bytes }) => keys.map((key) => forward(networks.get(key), bytes).at(-1).a),
      inside: ({ key, bytes }) => forward(networks.get(key), bytes).map((each) => each.a),
      // Of several members the costs are added up.
      gradient({ keys, bytes, digit }) {
        const each = keys.map((key) => gradient(networks.get(key), bytes, digit));
        return each.reduce((sum, one) => sum.map((value, i) => value + one[i]));
      },
    };
    scope.onmessage = async ({ data }) => {
      try {
        scope.postMessage({ id: data.id, result: await tasks[data.task](data) });
      } catch (error) {
        scope.postMessage({ id: data.id, error: String(error) });
      }
    };
  }

  return { argmax, attacked, forward, gradient, inflated, serve, tally, unpack };
}
