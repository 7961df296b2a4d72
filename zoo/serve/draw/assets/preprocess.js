// From a drawing to the 28x28 that the networks see: the steps of zoo/data/photos.py, one by one.
//
// Paper is what lies on the border. The ink's box is found, thin strokes are thickened, the digit is
// scaled to 20 pixels by a triangle filter, and laid with its centre of mass in the middle.

function zooPreprocess() {
  "use strict";

  const BOX = 20, FAINT = 0.02, FAINTEST = 0.1, SMALLEST = 5, SPECK = 0.05, THINNEST = 2, SMOOTH = 1 / 800;

  // As Python rounds: halves to the even neighbour.
  function round(x) {
    const low = Math.floor(x);
    if (x - low !== 0.5) return Math.round(x);
    return low % 2 === 0 ? low : low + 1;
  }

  const clip = (x, low, high) => Math.min(high, Math.max(low, x));

  // Ten times as fast as the arrays' own `from` and `map`.
  function mapped(values, change) {
    const found = new Float64Array(values.length);
    for (let i = 0; i < values.length; i += 1) found[i] = change(values[i]);
    return found;
  }

  function ascending(values) {
    return Float64Array.from(values).sort();
  }

  function percentile(values, share) {
    const sorted = ascending(values);
    const place = (sorted.length - 1) * share;
    const low = Math.floor(place);
    return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (place - low);
  }

  // --- ink, and the digit in it ------------------------------------------------------------------

  // How far each pixel is from the paper, 0, towards full black or white, 1.
  function inkOf(grey, width, height) {
    const border = [];
    for (let x = 0; x < width; x += 1) border.push(grey[x], grey[(height - 1) * width + x]);
    for (let y = 0; y < height; y += 1) border.push(grey[y * width], grey[y * width + width - 1]);
    const paper = percentile(border, 0.5) / 255;
    let cubes = 0;
    const off = mapped(grey, (byte) => byte / 255 - paper);
    for (let i = 0; i < off.length; i += 1) cubes += off[i] * off[i] * off[i];
    const [sign, reach] = cubes < 0 ? [-1, paper] : [1, 1 - paper];
    return mapped(off, (each) => clip((sign * each) / Math.max(reach, 1 / 255), 0, 1));
  }

  // A Gaussian cut off at four deviations, its borders mirrored, as SciPy's.
  function blurred(ink, width, height) {
    const deviation = Math.max(width, height) * SMOOTH;
    const radius = Math.floor(4 * deviation + 0.5);
    const bell = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / deviation) ** 2));
    const sum = bell.reduce((a, b) => a + b, 0);
    const along = (from, length, step, lines, stride) => {
      const to = new Float64Array(from.length);
      const line = new Float64Array(length + 2 * radius);
      for (let start = 0; start < lines * stride; start += stride) {
        for (let i = 0; i < line.length; i += 1) {
          const place = i - radius;
          line[i] = from[start + (place < 0 ? -place - 1 : place >= length ? 2 * length - place - 1 : place) * step];
        }
        for (let i = 0; i < length; i += 1) {
          let value = 0;
          for (let k = 0; k < bell.length; k += 1) value += bell[k] * line[i + k];
          to[start + i * step] = value / sum;
        }
      }
      return to;
    };
    return along(along(ink, height, width, width, 1), width, 1, height, width);
  }

  // N. Otsu's threshold: both sides as uniform as can be.
  function threshold(values) {
    const counts = new Float64Array(256);
    for (let i = 0; i < values.length; i += 1) counts[Math.min(255, Math.floor(clip(values[i], 0, 1) * 256))] += 1;
    let whole = 0;
    counts.forEach((count, bin) => { whole += ((bin + 1) / 256) * (count / values.length); });
    let below = 0, sum = 0;
    const apart = counts.map((count, bin) => {
      below += count / values.length;
      sum += ((bin + 1) / 256) * (count / values.length);
      return (whole * below - sum) ** 2 / Math.max(below * (1 - below), 1e-12);
    });
    const most = Math.max(...apart) * (1 - 1e-9);
    const best = [...apart.keys()].filter((bin) => apart[bin] >= most);
    return (1 + round(best.reduce((a, b) => a + b, 0) / best.length)) / 256;
  }

  // The connected parts of a mask, eight neighbours each: their pixels, box and whether they touch
  // the edge of the picture.
  function partsOf(mask, width, height) {
    const seen = mapped(mask, (each) => (each ? 0 : 1));
    const parts = [];
    for (let start = 0; start < seen.length; start += 1) {
      if (seen[start]) continue;
      const part = { pixels: [start], top: height, bottom: 0, left: width, right: 0 };
      seen[start] = 1;
      for (let next = 0; next < part.pixels.length; next += 1) {
        const y = Math.floor(part.pixels[next] / width), x = part.pixels[next] % width;
        part.top = Math.min(part.top, y); part.bottom = Math.max(part.bottom, y);
        part.left = Math.min(part.left, x); part.right = Math.max(part.right, x);
        for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny += 1) {
          for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx += 1) {
            if (!seen[ny * width + nx]) {
              seen[ny * width + nx] = 1;
              part.pixels.push(ny * width + nx);
            }
          }
        }
      }
      part.length = Math.max(part.bottom - part.top, part.right - part.left) + 1;
      part.edge = part.top === 0 || part.left === 0 || part.bottom === height - 1 || part.right === width - 1;
      parts.push(part);
    }
    return parts;
  }

  // The parts that are the digit: the largest, and those not far smaller.
  function withoutSpecks(parts, width, height) {
    const whole = parts.filter((part) => !part.edge && part.length >= Math.max(SMALLEST, Math.max(width, height) / 20));
    const chosen = whole.length ? whole : parts.filter((part) => part.length >= SMALLEST);
    const least = SPECK * Math.max(0, ...chosen.map((part) => part.pixels.length));
    return chosen.length ? parts.filter((part) => part.pixels.length >= least && !(whole.length && part.edge)) : [];
  }

  // The ink of the digit alone, cropped, its strokes 1; null where there is none.
  function digitIn(grey, width, height) {
    const ink = inkOf(grey, width, height);
    const soft = blurred(ink, width, height);
    const cut = threshold(soft);
    const pixels = withoutSpecks(partsOf(mapped(soft, (each) => (each > cut ? 1 : 0)), width, height), width, height)
      .flatMap((part) => part.pixels);
    if (!pixels.length || percentile(pixels.map((i) => soft[i]), 0.9) < FAINTEST) return null;
    const full = percentile(pixels.map((i) => ink[i]), 0.95);
    const values = new Float64Array(ink.length);
    for (const i of pixels) {
      const y = Math.floor(i / width), x = i % width;
      values[i] = clip(ink[i] / full, 0, 1);
      // Strokes are soft at their edges: the faint pixels beside them are theirs.
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny += 1) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx += 1) {
          const n = ny * width + nx;
          if (ink[n] > FAINT) values[n] = clip(ink[n] / full, 0, 1);
        }
      }
    }
    return cropped({ values, width, height });
  }

  function cropped({ values, width, height }) {
    let top = height, bottom = -1, left = width, right = -1;
    for (let i = 0; i < values.length; i += 1) {
      if (values[i] <= FAINT) continue;
      const y = Math.floor(i / width), x = i % width;
      top = Math.min(top, y); bottom = Math.max(bottom, y);
      left = Math.min(left, x); right = Math.max(right, x);
    }
    return moved({ values, width, height }, -left, -top, right - left + 1, bottom - top + 1);
  }

  // The picture on a field of another size, shifted.
  function moved(picture, dx, dy, width, height) {
    const values = new Float64Array(width * height);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const fromX = x - dx, fromY = y - dy;
        if (fromX >= 0 && fromY >= 0 && fromX < picture.width && fromY < picture.height) {
          values[y * width + x] = picture.values[fromY * picture.width + fromX];
        }
      }
    }
    return { values, width, height };
  }

  // --- the thickness of strokes ------------------------------------------------------------------

  // The squared distance of each place to the nearest that is outside, exactly: first along the
  // columns, then the lowest parabola along the rows (Felzenszwalb and Huttenlocher 2012).
  function squaredDistances(inside, width, height) {
    const far = (width + height) ** 2;
    const columns = new Float64Array(inside.length);
    for (let x = 0; x < width; x += 1) {
      let distance = far;
      const step = (y) => {
        distance = inside[y * width + x] ? Math.min(distance + 1, far) : 0;
        return distance;
      };
      for (let y = 0; y < height; y += 1) columns[y * width + x] = step(y);
      distance = far;
      for (let y = height - 1; y >= 0; y -= 1) columns[y * width + x] = Math.min(columns[y * width + x], step(y));
    }
    const found = new Float64Array(inside.length);
    const vertex = new Int32Array(width), bound = new Float64Array(width + 1);
    for (let y = 0; y < height; y += 1) {
      const f = (x) => columns[y * width + x] ** 2;
      const meet = (a, b) => (f(b) + b * b - f(a) - a * a) / (2 * (b - a));
      let last = 0;
      vertex[0] = 0; bound[0] = -Infinity; bound[1] = Infinity;
      for (let x = 1; x < width; x += 1) {
        while (last >= 0 && meet(vertex[last], x) <= bound[last]) last -= 1;
        last += 1;
        vertex[last] = x;
        bound[last] = last ? meet(vertex[last - 1], x) : -Infinity;
        bound[last + 1] = Infinity;
      }
      for (let x = 0, k = 0; x < width; x += 1) {
        while (bound[k + 1] < x) k += 1;
        found[y * width + x] = (x - vertex[k]) ** 2 + f(vertex[k]);
      }
    }
    return found;
  }

  // Strokes as wide as MNIST's thin ones, if they are thinner.
  function thickened(digit) {
    const scale = Math.max(digit.width, digit.height) / BOX;
    const padded = moved(digit, 1, 1, digit.width + 2, digit.height + 2);
    const inside = mapped(padded.values, (value) => (value > 0.5 ? 1 : 0));
    const squares = squaredDistances(inside, padded.width, padded.height);
    let sum = 0, count = 0;
    squares.forEach((square, i) => { if (inside[i]) { sum += Math.sqrt(square); count += 1; } });
    // The mean distance of a band's points to its nearer side is a quarter of its width.
    const grow = round((THINNEST * scale - (4 * sum) / count) / 2);
    if (!(grow >= 1)) return digit;
    const wide = moved(digit, grow, grow, digit.width + 2 * grow, digit.height + 2 * grow);
    const off = squaredDistances(mapped(wide.values, (value) => (value <= 0.5 ? 1 : 0)), wide.width, wide.height);
    return { ...wide, values: wide.values.map((value, i) => (Math.sqrt(off[i]) <= grow ? 1 : value)) };
  }

  // --- to 28x28 ----------------------------------------------------------------------------------

  // The weights of Pillow's bilinear filter: a triangle as wide as the scale, or 1 if it enlarges.
  function triangles(from, to) {
    const scale = from / to, reach = Math.max(scale, 1);
    return Array.from({ length: to }, (_, i) => {
      const centre = (i + 0.5) * scale;
      const first = Math.max(0, Math.trunc(centre - reach + 0.5));
      const end = Math.min(from, Math.trunc(centre + reach + 0.5));
      const weights = [];
      for (let x = first; x < end; x += 1) weights.push(Math.max(0, 1 - Math.abs((x - centre + 0.5) / reach)));
      const sum = weights.reduce((a, b) => a + b, 0);
      return { first, weights: weights.map((weight) => weight / sum) };
    });
  }

  function resized({ values, width, height }, newWidth, newHeight) {
    const across = new Float32Array(newWidth * height);
    triangles(width, newWidth).forEach(({ first, weights }, x) => {
      for (let y = 0; y < height; y += 1) {
        let sum = 0;
        weights.forEach((weight, k) => { sum += weight * values[y * width + first + k]; });
        across[y * newWidth + x] = sum;
      }
    });
    const found = new Float32Array(newWidth * newHeight);
    triangles(height, newHeight).forEach(({ first, weights }, y) => {
      for (let x = 0; x < newWidth; x += 1) {
        let sum = 0;
        weights.forEach((weight, k) => { sum += weight * across[(first + k) * newWidth + x]; });
        found[y * newWidth + x] = sum;
      }
    });
    return { values: found, width: newWidth, height: newHeight };
  }

  function boxed(digit) {
    const longest = Math.max(digit.width, digit.height);
    const [width, height] = [digit.width, digit.height].map((length) => Math.max(1, round((BOX * length) / longest)));
    const box = resized(digit, width, height);
    const most = Math.max(...box.values);
    return { ...box, values: box.values.map((value) => value / most) };
  }

  function centred({ values, width, height }) {
    let sum = 0, massX = 0, massY = 0;
    values.forEach((value, i) => {
      sum += value;
      massX += value * (i % width);
      massY += value * Math.floor(i / width);
    });
    const [left, top] = [[massX, width], [massY, height]]
      .map(([mass, length]) => clip(Math.floor(14.5 - mass / sum), 0, 28 - length));
    const field = new Uint8Array(28 * 28);
    values.forEach((value, i) => {
      field[(top + Math.floor(i / width)) * 28 + left + (i % width)] = round(value * 255);
    });
    return field;
  }

  // The digit of a picture in bytes, 0 black to 255 white, as 784 bytes, ink 255; null without one.
  function digitOf(grey, width, height) {
    const digit = digitIn(grey, width, height);
    return digit && centred(boxed(thickened(digit)));
  }

  return { digitOf };
}
