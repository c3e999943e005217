// Draws a scene (scene.py), lets the reader drag boxes, and reports what the reader does. It knows nothing about detectors.

const FONT = '"DejaVu Sans", Verdana, Arial, sans-serif';
const INK = "#1f2328", MUTED = "#6b7280", FAINT = "#d5d9e0", FOCUS = "#F0E442", PAPER = "#ffffff"; // as in viz/style.py
const DARK = { [INK]: "#e6e8eb", [MUTED]: "#a9b1bd", [FAINT]: "#4a515b" }; // the same on dark paper
const WIDTH = 800, NAME = 18; // units of the page: its width, and the height of a box's name
const SMALLEST = 11; // CSS pixels: no words are smaller
const NARROW = 720; // CSS pixels: a narrower view has its panels below each other

// A scene's "data" holds all its arrays, one after another. It can start at any offset of a message: a copy is aligned.
const copied = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);

function element(tag, className, parent, attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
}

// ------------------------------------------------------------------------------------------------------- theme and words

// What the scene is drawn with: the colours of its paper, and the smallest size of words in units of the page.
const look = { ink: INK, muted: MUTED, faint: FAINT, paper: PAPER, dark: false, smallest: SMALLEST };

function luminance(color) {
  const [r, g, b] = channels(color).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// Red, green and blue of "#46a2b9", and of "rgb(70, 162, 185)".
const channels = (color) => color[0] === "#" ? [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16)) : color.match(/[\d.]+/g).map(Number);

// A colour that can be seen on dark paper: a very dark one is mixed with white.
const onDark = (color) => luminance(color) < 0.06 ? `rgb(${channels(color).map((c) => Math.round(0.6 * c + 0.4 * 255))})` : color;

// The colours of the paper on which a panel without an image is drawn. Colours of meanings stay as they are, if they can be seen.
function onPaper(layer) {
  const seen = layer.kind === "Words" ? (color) => color : onDark; // black words are on bars
  const themed = (color) => color === PAPER ? look.paper : look.dark ? DARK[color] ?? seen(color) : color;
  const kept = (layer.kind === "Words" && layer.color === PAPER) || (layer.kind === "Boxes" && layer.color === MUTED); // on bars; the background's
  return { ...layer, color: kept ? layer.color : themed(layer.color), chip: layer.chip && themed(layer.chip) };
}

const sized = (size) => Math.max(size, look.smallest);

// Words in lines that are at most `wide` units long.
function wrapped(context, words, wide) {
  return words.split("\n").flatMap((line) => {
    const lines = [];
    for (const word of line.split(" ")) {
      const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
      if (lines.length && context.measureText(longer).width <= wide) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  });
}

// ---------------------------------------------------------------------------------------------------------- narrow views

const CAPTION = 15, TITLE = 17, GAP = 14; // CSS pixels: lines of a caption and of a title; the space between panels

// The same panels in a view `wide` CSS pixels wide: in their order, as many in a row as fit with their own size. A unit is a pixel there.
function stacked(context, panels, wide) {
  const margin = (panel) => panel.y_axis ? 8 + Math.max(0, ...measured(context, panel.y_axis.texts)) + (panel.y_axis.label ? 16 : 0) : 2;
  const rows = [];
  for (const [index, panel] of panels.entries()) {
    const own = margin(panel) + panel.place[2], row = rows.at(-1);
    const [last, size, next] = [-1, 0, 1].map((k) => panels[index + k]?.place[2]);
    const begins = size === next && size !== last; // several panels of one size begin a row
    if (row && !begins && row.own + GAP + own <= wide) { row.panels.push(panel); row.own += GAP + own; }
    else rows.push({ panels: [panel], own });
  }
  const placed = [];
  let top = 4, before = null; // the row above
  for (const row of rows) {
    const margins = row.panels.map(margin), edges = margins.reduce((sum, one) => sum + one, 0) + GAP * (row.panels.length - 1) + 2;
    const alike = before && before.size === row.panels[0].place[2]; // panels of the same size stay of the same size
    const grow = Math.min((wide - edges) / row.panels.reduce((sum, panel) => sum + panel.place[2], 0), alike ? before.grow : 1.6);
    before = { size: row.panels[0].place[2], grow };
    const told = row.panels.filter((panel) => panel.caption).length;
    let left = 0; // of the next panel
    const made = row.panels.map((panel, i) => {
      const [, , w, h] = panel.place, [low, up, high, down] = panel.view, width = grow * w;
      const even = Math.abs(((high - low) * h) / ((down - up) * w) - 1) < 0.02; // an image keeps its proportions
      const slot = margins[i] + width + (row.panels.length === 1 ? Math.max(0, wide - edges - width) : 0);
      context.font = `bold 12.5px ${FONT}`;
      const title = panel.title ? wrapped(context, panel.title, slot - margins[i]) : [];
      context.font = `11px ${FONT}`;
      const caption = panel.caption ? wrapped(context, panel.caption, told === 1 ? wide - left - margins[i] : slot - margins[i]) : [];
      left += slot + GAP;
      return { panel, width, height: even || !(panel.x_axis || panel.y_axis) ? grow * h : h, title, caption, slot, margin: margins[i] };
    });
    const head = Math.max(...made.map((one) => TITLE * one.title.length)) + 6;
    let x = 0;
    for (const one of made) {
      const place = [x + one.margin, top + head, one.width, one.height];
      placed.push({ ...one.panel, place, title: one.title.join("\n"), caption: one.caption.join("\n") });
      x += one.slot + GAP;
    }
    top += head + Math.max(...made.map((one) => one.height + belowPanel(one.panel) + CAPTION * one.caption.length)) + GAP;
  }
  return { panels: placed, width: wide, height: Math.ceil(top) };
}

function measured(context, texts) {
  context.font = `11px ${FONT}`;
  return texts.map((text) => context.measureText(text).width);
}

const belowPanel = (panel) => 6 + (panel.x_axis?.label ? 30 : panel.x_axis?.ticks.length ? 16 : 0);

// ------------------------------------------------------------------------------------------------ from message to scene

function bitmap(data, [start, height, width]) {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(data, start, 4 * height * width), width, height), 0, 0);
  return canvas;
}

// The scene of a kernel's message: arrays are places in one piece of memory, and pictures that occur again come apart from it.
function unpack(scene, images, bitmaps) {
  const data = copied(scene.data);
  if (scene.panels.some((panel) => panel.layers.some((layer) => layer.name && !bitmaps.has(layer.name)))) {
    const kept = copied(images.data);
    for (const [name, place] of Object.entries(images.places)) if (!bitmaps.has(name)) bitmaps.set(name, bitmap(kept, place));
  }
  const floats = ([start, length]) => new Float32Array(data, start, length);
  return withLayers(scene, (given) => {
    const made = { ...given };
    if (given.kind === "Picture") made.bitmap = given.name ? bitmaps.get(given.name) : bitmap(data, given.pixels);
    if (given.boxes) made.boxes = floats(given.boxes);
    if (given.points) made.points = floats(given.points);
    if (given.ids) made.ids = new Int32Array(data, ...given.ids);
    if (given.values) made.values = Object.entries(given.values).map(([name, place]) => [name, floats(place)]);
    return made;
  });
}

// The scene of a program in the page: arrays are there as they are drawn, and a picture is {rgba: its bytes, width, height}.
function complete(scene, drawn) {
  return withLayers(scene, (given) => {
    if (given.kind !== "Picture") return given;
    const { rgba, width, height } = given.picture;
    if (!drawn.has(given.picture)) drawn.set(given.picture, bitmap(rgba.buffer, [rgba.byteOffset, height, width]));
    return { ...given, bitmap: drawn.get(given.picture) };
  });
}

const withLayers = (scene, made) => ({ ...scene, panels: scene.panels.map((panel) => ({ ...panel, layers: panel.layers.map(made) })) });

// Between data units of a panel and units of the page.
function axes(panel) {
  const [x, y, w, h] = panel.place, [left, top, right, bottom] = panel.view;
  return {
    x: (value) => x + ((value - left) / (right - left)) * w,
    y: (value) => y + ((value - top) / (bottom - top)) * h,
    dataX: (value) => left + ((value - x) / w) * (right - left),
    dataY: (value) => top + ((value - y) / h) * (bottom - top),
  };
}

const countOf = (layer) => layer.kind === "Boxes" ? layer.boxes.length / 4
  : layer.kind === "Grid" ? layer.rows * layer.columns
  : layer.kind === "Lines" ? layer.shape[0] : layer.points.length / 2;
const idOf = (layer, index) => layer.ids ? layer.ids[index] : index;

// Corners of item `index` on the page: a box or a cell.
function corners(layer, index, to) {
  let x1, y1, x2, y2;
  if (layer.kind === "Grid") {
    const [left, top, right, bottom] = layer.extent, row = Math.floor(index / layer.columns), column = index % layer.columns;
    const wide = (right - left) / layer.columns, high = (bottom - top) / layer.rows;
    [x1, y1, x2, y2] = [left + column * wide, top + row * high, left + (column + 1) * wide, top + (row + 1) * high];
  } else [x1, y1, x2, y2] = layer.boxes.subarray(4 * index, 4 * index + 4);
  return [to.x(x1), to.y(y1), to.x(x2), to.y(y2)];
}

// -------------------------------------------------------------------------------------------------------------- drawing

function outline(context, layer, to, only) {
  context.beginPath();
  const number = countOf(layer);
  for (let i = only ?? 0; i < (only === undefined ? number : only + 1); i++) {
    const [x1, y1, x2, y2] = corners(layer, i, to);
    context.rect(x1, y1, x2 - x1, y2 - y1);
  }
}

function polyline(context, layer, to, only) {
  const [number, length] = layer.shape;
  context.beginPath();
  for (let i = only ?? 0; i < (only === undefined ? number : only + 1); i++)
    for (let k = 0; k < length; k++) {
      const at = 2 * (i * length + k), x = to.x(layer.points[at]), y = to.y(layer.points[at + 1]);
      k ? context.lineTo(x, y) : context.moveTo(x, y);
    }
}

function arrowheads(context, layer, to) {
  const [number, length] = layer.shape, long = 4 + 2.2 * layer.width;
  context.fillStyle = layer.color;
  context.beginPath();
  for (let i = 0; i < number; i++) {
    const at = 2 * (i * length + length - 2);
    const [x0, y0, x1, y1] = [0, 1, 2, 3].map((k) => (k % 2 ? to.y : to.x)(layer.points[at + k]));
    const angle = Math.atan2(y1 - y0, x1 - x0);
    if (Math.hypot(x1 - x0, y1 - y0) < 1) continue;
    context.moveTo(x1, y1);
    for (const turn of [2.65, -2.65]) context.lineTo(x1 + long * Math.cos(angle + turn), y1 + long * Math.sin(angle + turn));
  }
  context.fill();
}

const DOT = 1.5; // units of the page: a circle with a smaller radius looks like a square of its area, which is drawn faster

function mark(context, layer, x, y, radius) {
  if (layer.mark === "cross") {
    context.moveTo(x - radius, y - radius); context.lineTo(x + radius, y + radius);
    context.moveTo(x - radius, y + radius); context.lineTo(x + radius, y - radius);
  } else if (layer.mark === "square" || radius < DOT) {
    const half = layer.mark === "square" ? radius : radius * Math.sqrt(Math.PI / 4);
    context.rect(x - half, y - half, 2 * half, 2 * half);
  }
  else { context.moveTo(x + radius, y); context.arc(x, y, radius, 0, 2 * Math.PI); }
}

// Black or white, whichever reads better on the colour (WCAG).
function textColor(color) {
  return luminance(color) > 0.179 ? "#000000" : "#ffffff";
}

// Stretching a picture takes longer than anything else that is drawn. So the result is kept if a picture is drawn in the same place again.
const COPIES = 48; // of all pictures, the latest ones
const stretched = new Map(); // picture and place in pixels of the canvas → the copy, or null if it was drawn there only once
const numbers = new WeakMap(); // of the pictures
let numbered = 0;

function stretch(context, layer, [x, y, w, h]) {
  context.imageSmoothingEnabled = layer.smooth;
  context.imageSmoothingQuality = "high";
  context.drawImage(layer.bitmap, x, y, w, h);
}

function drawStretched(context, layer, place) {
  if (!numbers.has(layer.bitmap)) numbers.set(layer.bitmap, numbered++);
  const { a, d } = context.getTransform(), [x, y, w, h] = [a * place[0], d * place[1], a * place[2], d * place[3]];
  const left = Math.floor(x), top = Math.floor(y), wide = Math.ceil(x + w) - left, high = Math.ceil(y + h) - top;
  const key = `${[numbers.get(layer.bitmap), x, y, w, h, layer.smooth]}`;
  const whole = left >= 0 && top >= 0 && left + wide <= context.canvas.width && top + high <= context.canvas.height; // it is no magnified part
  const again = stretched.has(key);
  let copy = stretched.get(key) ?? null;
  if (again && whole && !copy) {
    copy = new OffscreenCanvas(wide, high);
    stretch(copy.getContext("2d"), layer, [x - left, y - top, w, h]);
  }
  stretched.delete(key);
  stretched.set(key, copy); // the latest is the last
  if (stretched.size > COPIES) stretched.delete(stretched.keys().next().value);
  if (!copy) { stretch(context, layer, place); return; }
  context.setTransform(1, 0, 0, 1, 0, 0); // until the next layer
  context.drawImage(copy, left, top);
}

const draw = {
  Picture(context, layer, to) {
    const [x1, y1, x2, y2] = layer.extent;
    drawStretched(context, layer, [to.x(x1), to.y(y1), to.x(x2) - to.x(x1), to.y(y2) - to.y(y1)]);
  },
  Boxes(context, layer, to) {
    context.globalAlpha = layer.alpha * layer.fill;
    context.fillStyle = layer.color;
    if (layer.fill) { outline(context, layer, to); context.fill(); }
    const dash = layer.dashed ? [3 * layer.width, 3 * layer.width] : [];
    if (!layer.width) return;
    outline(context, layer, to);
    if (layer.halo) {
      context.globalAlpha = layer.alpha * 0.6;
      context.setLineDash(dash.map((length, i) => length + (i ? -1 : 1)));
      context.lineDashOffset = 0.5;
      context.strokeStyle = textColor(layer.color);
      context.lineWidth = layer.width + Math.min(1.6, 0.8 * layer.width);
      context.stroke();
    }
    context.globalAlpha = layer.alpha;
    context.setLineDash(dash);
    context.lineDashOffset = 0;
    context.strokeStyle = layer.color;
    context.lineWidth = layer.width;
    context.stroke();
  },
  Points(context, layer, to) {
    context.beginPath();
    const { points } = layer;
    for (let i = 0; i < points.length; i += 2)
      if (!i || points[i] !== points[i - 2] || points[i + 1] !== points[i - 1]) // the anchors of a cell have the same middle
        mark(context, layer, to.x(points[i]), to.y(points[i + 1]), layer.radius);
    context.globalAlpha = layer.alpha;
    const open = layer.mark === "cross" || layer.mark === "ring";
    if (layer.halo) {
      context.strokeStyle = textColor(layer.color);
      context.lineWidth = open ? 3.4 : 1.4;
      context.stroke();
    }
    context.fillStyle = context.strokeStyle = layer.color;
    context.lineWidth = 1.8;
    open ? context.stroke() : context.fill();
  },
  Lines(context, layer, to) {
    polyline(context, layer, to);
    context.globalAlpha = layer.alpha;
    context.setLineDash(layer.dashed ? [3 * layer.width, 3 * layer.width] : []);
    context.strokeStyle = layer.color;
    context.lineWidth = layer.width;
    context.stroke();
    if (layer.arrow) arrowheads(context, layer, to);
  },
  Grid(context, layer, to) {
    const [x1, y1, x2, y2] = layer.extent;
    context.beginPath();
    for (let i = 0; i <= layer.columns; i++) {
      const x = to.x(x1 + ((x2 - x1) * i) / layer.columns);
      context.moveTo(x, to.y(y1)); context.lineTo(x, to.y(y2));
    }
    for (let i = 0; i <= layer.rows; i++) {
      const y = to.y(y1 + ((y2 - y1) * i) / layer.rows);
      context.moveTo(to.x(x1), y); context.lineTo(to.x(x2), y);
    }
    context.globalAlpha = layer.alpha;
    context.strokeStyle = layer.color;
    context.lineWidth = layer.width;
    context.stroke();
  },
  Words(context, layer, to) {
    const size = sized(layer.size);
    context.font = `${layer.bold ? "bold " : ""}${size}px ${FONT}`;
    context.textAlign = layer.x;
    context.textBaseline = layer.y;
    layer.texts.forEach((text, i) => {
      const x = to.x(layer.points[2 * i]), y = to.y(layer.points[2 * i + 1]);
      if (layer.room !== null && context.measureText(text).width > Math.abs(to.x(layer.room) - to.x(0))) return;
      if (layer.chip) {
        const wide = context.measureText(text).width, high = 1.35 * size;
        const left = x - { left: 0, center: 0.5, right: 1 }[layer.x] * wide, top = y - { top: 0.12, middle: 0.5, bottom: 0.9 }[layer.y] * high;
        context.fillStyle = layer.chip;
        context.fillRect(left - 3, top, wide + 6, high);
      }
      context.fillStyle = layer.chip ? textColor(layer.chip) : layer.color;
      context.fillText(text, x, y);
    });
  },
};

function drawAxes(context, panel, to) {
  const [x, y, w, h] = panel.place;
  context.font = `${sized(10.5)}px ${FONT}`;
  const lines = [];
  const x_axis = panel.x_axis ?? { ticks: [], texts: [] }, y_axis = panel.y_axis ?? { ticks: [], texts: [] };
  context.fillStyle = look.ink;
  context.textAlign = "center"; context.textBaseline = "top";
  x_axis.ticks.forEach((tick, i) => {
    context.fillText(x_axis.texts[i], to.x(tick), y + h + 4);
    if (x_axis.grid) lines.push([to.x(tick), y, to.x(tick), y + h]);
  });
  if (x_axis.label) context.fillText(x_axis.label, x + w / 2, y + h + 18);
  context.textAlign = "right"; context.textBaseline = "middle";
  y_axis.ticks.forEach((tick, i) => {
    context.fillText(y_axis.texts[i], x - 4, to.y(tick));
    if (y_axis.grid) lines.push([x, to.y(tick), x + w, to.y(tick)]);
  });
  if (y_axis.label) {
    context.save();
    context.translate(x - 12 - Math.max(0, ...y_axis.texts.map((text) => context.measureText(text).width)), y + h / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(y_axis.label, 0, 0);
    context.restore();
  }
  context.strokeStyle = look.faint;
  context.lineWidth = 0.8;
  context.beginPath();
  for (const [x1, y1, x2, y2] of lines) { context.moveTo(x1, y1); context.lineTo(x2, y2); }
  context.stroke();
}

function drawPanel(context, panel, pageWidth) {
  const to = axes(panel), [x, y, w, h] = panel.place, pictured = panel.layers.some((layer) => layer.kind === "Picture");
  if (panel.x_axis || panel.y_axis) drawAxes(context, panel, to);
  context.save();
  context.beginPath();
  context.rect(x, y, w, h);
  context.clip();
  if (pictured) { context.fillStyle = PAPER; context.fillRect(x, y, w, h); } // images look the same in all themes
  for (const layer of panel.layers) {
    context.save();
    draw[layer.kind](context, pictured ? layer : onPaper(layer), to);
    context.restore();
  }
  context.restore();
  const frame = panel.frame && onPaper({ color: panel.frame }).color;
  context.strokeStyle = frame ?? look.muted;
  context.lineWidth = frame ? 2.4 : 1;
  if (frame) context.strokeRect(x, y, w, h);
  else if (panel.x_axis || panel.y_axis) {
    context.beginPath();
    context.moveTo(x, y); context.lineTo(x, y + h); context.lineTo(x + w, y + h);
    context.stroke();
  }
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillStyle = look.ink;
  context.font = `bold ${sized(12.5)}px ${FONT}`;
  const title = panel.title.split("\n");
  title.forEach((line, i) => context.fillText(line, x, y - 5 - TITLE * (title.length - 1 - i)));
  context.textBaseline = "top";
  context.fillStyle = look.muted;
  context.font = `${sized(11)}px ${FONT}`;
  const below = y + h + belowPanel(panel);
  wrapped(context, panel.caption, pageWidth - x).forEach((line, i) => context.fillText(line, x, below + Math.max(14.5, 1.25 * sized(11)) * i));
}

// Lights up all items of a group and id, in whatever panel they are.
function drawLit(context, scene, lit) {
  if (!lit) return;
  for (const panel of scene.panels) {
    const to = axes(panel);
    context.save();
    context.beginPath();
    context.rect(...panel.place);
    context.clip();
    for (const layer of panel.layers) {
      if (layer.group !== lit.group) continue;
      for (let i = 0; i < countOf(layer); i++) {
        if (lit.id !== null && idOf(layer, i) !== lit.id) continue;
        if (layer.kind === "Boxes" || layer.kind === "Grid") outline(context, layer, to, i);
        else if (layer.kind === "Lines") polyline(context, layer, to, i);
        else {
          context.beginPath();
          mark(context, { mark: "ring" }, to.x(layer.points[2 * i]), to.y(layer.points[2 * i + 1]), layer.radius + 3);
        }
        for (const [color, wide] of [[INK, 4.6], [FOCUS, 2.6]]) {
          context.strokeStyle = color;
          context.lineWidth = wide;
          context.stroke();
        }
      }
    }
    context.restore();
  }
}

// ---------------------------------------------------------------------------------------------- what is under the pointer

// How far a point of the page is from an item; null where it does not belong to it.
function distance(layer, index, to, x, y) {
  if (layer.kind === "Points")
    return Math.hypot(to.x(layer.points[2 * index]) - x, to.y(layer.points[2 * index + 1]) - y) - layer.radius;
  if (layer.kind === "Lines") {
    let nearest = Infinity;
    const length = layer.shape[1];
    for (let k = 1; k < length; k++) {
      const at = 2 * (index * length + k);
      const [x1, y1, x2, y2] = [to.x(layer.points[at - 2]), to.y(layer.points[at - 1]), to.x(layer.points[at]), to.y(layer.points[at + 1])];
      const share = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2 || 1);
      const t = Math.min(1, Math.max(0, share));
      nearest = Math.min(nearest, Math.hypot(x1 + t * (x2 - x1) - x, y1 + t * (y2 - y1) - y));
    }
    return nearest;
  }
  let [x1, y1, x2, y2] = corners(layer, index, to);
  if (x1 > x2) [x1, x2] = [x2, x1];
  if (y1 > y2) [y1, y2] = [y2, y1];
  const inside = x >= x1 && x <= x2 && y >= y1 && y <= y2;
  if (layer.kind === "Grid" || layer.fill) return inside ? 0 : Infinity;
  if (inside) return Math.min(x - x1, x2 - x, y - y1, y2 - y);
  return Math.hypot(Math.max(x1 - x, 0, x - x2), Math.max(y1 - y, 0, y - y2));
}

// What is at a place of the page, at most `reach` units away.
function under(scene, x, y, reach) {
  for (const panel of [...scene.panels].reverse()) {
    const [left, top, w, h] = panel.place;
    if (x < left || x > left + w || y < top || y > top + h) continue;
    const to = axes(panel);
    for (const layer of [...panel.layers].reverse()) {
      if (!layer.group) continue;
      let best = null;
      for (let i = 0; i < countOf(layer); i++) {
        const far = distance(layer, i, to, x, y);
        if (far <= reach && (!best || far < best.far)) best = { far, index: i };
      }
      if (best) return { panel, layer, index: best.index, group: layer.group, id: idOf(layer, best.index) };
    }
    return { panel };
  }
  return null;
}

// ------------------------------------------------------------------------------------------------------------- the widget

function render({ model, el }) {
  const word = (english, ...values) => (model.get("labels")?.[english] ?? english).replace(/\{(\d)\}/g, (_, place) => values[place - 1]);
  el.classList.add("fe-board");
  const stage = element("div", "fe-stage", el);
  const canvas = element("canvas", "fe-picture", stage, { role: "img" });
  const overlay = element("canvas", "fe-overlay", stage, { "aria-hidden": "true" });
  const note = element("div", "fe-note", stage, { role: "status", hidden: "" });
  const tip = element("div", "fe-tip", stage, { hidden: "" });
  const problem = element("div", "fe-problem", el, { role: "alert", hidden: "" });
  const formula = element("div", "fe-formula", el, { role: "group", "aria-label": word("formula with live numbers") });
  const words = element("p", "fe-words", el, { "aria-live": "polite" });
  const bottom = element("div", "fe-bottom", el);

  const bitmaps = new Map(), drawn = new WeakMap(); // pictures by their names in messages; by themselves
  const handles = new Map(); // name → { box: div, spec, dragging }
  const panelKeys = new Map();
  let given = null, scene = null, scale = 1, lit = null, dragged = null, held = false; // given: as the kernel has it; scene: as it is placed here

  const ready = (target) => {
    const context = target.getContext("2d"), dense = window.devicePixelRatio || 1;
    const wide = Math.round(scene.width * scale * dense), high = Math.round(scene.height * scale * dense);
    if (target.width !== wide || target.height !== high) { target.width = wide; target.height = high; }
    else { context.setTransform(1, 0, 0, 1, 0, 0); context.clearRect(0, 0, wide, high); }
    context.setTransform(scale * dense, 0, 0, scale * dense, 0, 0);
    return context;
  };

  function light(next) {
    if (next?.group === lit?.group && next?.id === lit?.id) return;
    lit = next;
    drawLit(ready(overlay), scene, lit);
    for (const term of el.querySelectorAll("[data-mark]")) {
      const [group, id] = term.dataset.mark.split(":");
      term.classList.toggle("fe-lit", lit !== null && group === lit.group && (id === undefined || lit.id === null || Number(id) === lit.id));
    }
    el.dataset.lit = lit ? `${lit.group}:${lit.id ?? ""}` : "";
  }

  // ------------------------------------------------------------------------------------------------------- the scene

  // Places the panels in the view as it is now, and draws them.
  function redraw() {
    const wide = stage.clientWidth || WIDTH, narrow = wide < NARROW;
    scene = { ...given, width: WIDTH, ...(narrow ? stacked(canvas.getContext("2d"), given.panels, wide) : {}) };
    scale = wide / scene.width;
    look.smallest = SMALLEST / scale;
    stage.style.aspectRatio = `${scene.width} / ${scene.height}`;
    useTheme();
    const context = ready(canvas);
    context.fillStyle = look.paper;
    context.fillRect(0, 0, scene.width, scene.height);
    for (const panel of scene.panels) drawPanel(context, panel, scene.width);
    drawLit(ready(overlay), scene, lit);
    placeHandles();
    placeKeys();
  }

  // The page's theme, from the colours that it gives the board. True if it changed.
  let theme = "";
  function readTheme() {
    const { color, backgroundColor } = getComputedStyle(stage);
    if (theme === color + backgroundColor) return false;
    theme = color + backgroundColor;
    return true;
  }

  function useTheme() {
    const [ink, paper] = theme.match(/rgba?\([^)]*\)/g) ?? [INK, PAPER], dark = textColor(paper) === "#ffffff";
    Object.assign(look, { ink, paper, dark, muted: dark ? DARK[MUTED] : MUTED, faint: dark ? DARK[FAINT] : FAINT });
  }

  function show() {
    const told = model.get("scene");
    given = told.data ? unpack(told, model.get("images"), bitmaps) : complete(told, drawn);
    redraw();
    tip.hidden = true; // what it told may have changed
    canvas.setAttribute("aria-label", scene.panels.map((panel) => panel.alt).filter(Boolean).join(". "));
    const focused = formula.contains(document.activeElement) ? document.activeElement.dataset.mark : null;
    while (formula.children.length > scene.formula.length) formula.lastChild.remove();
    scene.formula.forEach((line, number) => write(formula.children[number] ?? element("div", "fe-line", formula), line));
    if (focused && !formula.contains(document.activeElement)) formula.querySelector(`[data-mark="${focused}"]`)?.focus();
    write(words, scene.words);
    if (told.data) requestAnimationFrame(nameControls); // a notebook's
    el.dataset.version = told.version; // for those who wait for a picture
  }

  // Writes a line, if it has changed: what is unchanged is not read aloud again.
  const written = new WeakMap();
  function write(line, markup) {
    if (written.get(line) === markup) return;
    written.set(line, markup);
    line.innerHTML = markup;
    for (const term of line.querySelectorAll("[data-meaning]")) term.style.setProperty("--meaning", term.dataset.meaning);
  }

  // The text below a picture does not become lower, so that what is below it stays where it is while a hand works.
  const grown = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) if (contentRect.height > parseFloat(target.style.minHeight || 0)) target.style.minHeight = `${contentRect.height}px`;
  });

  function showProblem() {
    const text = model.get("problem");
    problem.hidden = !text;
    problem.textContent = text ? `⚠ ${text}` : "";
    stage.classList.toggle("fe-illegal", Boolean(text));
  }

  // ------------------------------------------------------------------------------------------------------------ handles

  function placeHandles() {
    const names = new Set(scene.handles.map((spec) => spec.name));
    for (const [name, handle] of handles) if (!names.has(name)) { handle.box.remove(); handles.delete(name); }
    for (const spec of scene.handles) {
      if (!handles.has(spec.name)) handles.set(spec.name, makeHandle(spec.name));
      const handle = handles.get(spec.name);
      const kept = handle.spec?.box;
      handle.spec = { ...spec, box: dragged === handle ? kept : spec.box };
      handle.box.style.setProperty("--meaning", spec.color);
      handle.box.style.setProperty("--lift", `${spec.lift * scale}px`);
      handle.box.classList.toggle("fe-dashed", spec.dashed);
      handle.box.classList.toggle("fe-fixed", !spec.resizable);
      putHandle(handle);
    }
    const area = ({ spec: { box: [x1, y1, x2, y2] } }) => (x2 - x1) * (y2 - y1);
    [...handles.values()].sort((one, other) => area(other) - area(one)).forEach(({ box }, place) => { box.style.zIndex = 2 + place; }); // small ones on top
  }

  function putHandle(handle) {
    const { spec, box } = handle, panel = scene.panels.find((other) => other.name === spec.panel), to = axes(panel);
    const [x1, y1, x2, y2] = spec.box;
    const [left, top, right, bottom] = [to.x(x1), to.y(y1), to.x(x2), to.y(y2)];
    box.style.left = `${(100 * left) / scene.width}%`;
    box.style.top = `${(100 * top) / scene.height}%`;
    box.style.width = `${(100 * (right - left)) / scene.width}%`;
    box.style.height = `${(100 * (bottom - top)) / scene.height}%`;
    box.classList.toggle("fe-whole", right - left > 0.8 * panel.place[2] && bottom - top > 0.8 * panel.place[3]);
    const number = (value) => String(Math.round(10 * value) / 10);
    const keys = spec.resizable ? word("Arrow keys move it, with Shift they resize it.") : word("Arrow keys move it.");
    box.setAttribute("aria-label", word("{1}: from {2}, {3} to {4}, {5}. {6}", spec.label, ...[x1, y1, x2, y2].map(number), keys));
    handle.name.textContent = spec.label;
    box.classList.toggle("fe-name-inside", top - spec.lift < panel.place[1] + NAME / scale); // no room above it
  }

  function makeHandle(name) {
    const box = element("div", `fe-handle fe-handle-${name}`, stage, { tabindex: "0", role: "group", "aria-roledescription": word("box that can be moved") });
    const handle = { box, spec: null, name: element("span", "fe-handle-name", box) };
    for (const corner of ["nw", "ne", "sw", "se", "n", "e", "s", "w"]) element("i", `fe-grip fe-${corner}`, box, { "data-corner": corner });
    box.addEventListener("pointerdown", (event) => startDrag(event, handle));
    box.addEventListener("keydown", (event) => {
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
      if (dx === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      const { step, resizable } = handle.spec;
      change(handle, handle.spec.box, dx * step, dy * step, event.shiftKey && resizable ? "se" : "");
    });
    return handle;
  }

  // Moves the box, or the sides that a corner's name has, and keeps it legal.
  function change(handle, [x1, y1, x2, y2], dx, dy, corner) {
    const spec = handle.spec, panel = scene.panels.find((other) => other.name === spec.panel);
    const [left, top, right, bottom] = spec.limits ?? panel.view;
    const within = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
    if (!corner) {
      const moveX = within(dx, left - x1, right - x2), moveY = within(dy, top - y1, bottom - y2);
      [x1, x2, y1, y2] = [x1 + moveX, x2 + moveX, y1 + moveY, y2 + moveY];
    }
    if (corner.includes("w")) x1 = within(x1 + dx, left, x2 - spec.smallest);
    if (corner.includes("e")) x2 = within(x2 + dx, x1 + spec.smallest, right);
    if (corner.includes("n")) y1 = within(y1 + dy, top, y2 - spec.smallest);
    if (corner.includes("s")) y2 = within(y2 + dy, y1 + spec.smallest, bottom);
    spec.box = [x1, y1, x2, y2].map((value) => Math.round(10 * value) / 10);
    putHandle(handle);
    model.set("drag", { name: spec.name, box: spec.box });
    model.save_changes();
  }

  function startDrag(event, handle) {
    if (event.button || held) return; // by one finger at a time
    held = true;
    event.preventDefault();
    handle.box.focus({ preventScroll: true });
    handle.box.setPointerCapture(event.pointerId);
    const corner = event.target.dataset.corner ?? "", start = [...handle.spec.box], [px, py] = place(event);
    const to = axes(scene.panels.find((panel) => panel.name === handle.spec.panel));
    let moved = false;
    const move = (next) => {
      if (next.pointerId !== event.pointerId) return;
      const [x, y] = place(next);
      if (!moved && Math.hypot(x - px, y - py) < 2) return;
      moved = true;
      dragged = handle;
      light(null);
      tip.hidden = true;
      change(handle, start, to.dataX(x) - to.dataX(px), to.dataY(y) - to.dataY(py), corner);
    };
    const stop = (last) => {
      if (last.pointerId !== event.pointerId) return;
      held = false;
      handle.box.removeEventListener("pointermove", move);
      handle.box.removeEventListener("pointerup", stop);
      handle.box.removeEventListener("pointercancel", stop);
      dragged = null;
      if (last.type === "pointercancel") { if (moved) change(handle, start, 0, 0, ""); } // the finger scrolls the page
      else if (!moved) pick(last); // a click, on whatever is below
      else if (!given.data) placeHandles(); // a page has answered already: the box may have stopped elsewhere than the hand
    };
    handle.box.addEventListener("pointermove", move);
    handle.box.addEventListener("pointerup", stop);
    handle.box.addEventListener("pointercancel", stop);
  }

  // -------------------------------------------------------------------------------------------- hovering, picking, keys

  const place = (event) => {
    const frame = stage.getBoundingClientRect();
    return [((event.clientX - frame.left) / frame.width) * scene.width, ((event.clientY - frame.top) / frame.height) * scene.height];
  };

  // A fingertip is wider than the point of a mouse.
  const find = (event) => under(scene, ...place(event), (event.pointerType === "touch" ? 12 : 6) / scale);

  function hover(event) {
    if (!scene || dragged) return;
    const [x, y] = place(event), found = find(event);
    light(found?.group ? { group: found.group, id: found.id } : null);
    const told = found?.layer?.values ?? [];
    tip.hidden = !told.length;
    if (!told.length) return;
    tip.textContent = told.map(([name, column]) => `${name} ${String(Math.round(1000 * column[found.index]) / 1000)}`).join(" · ");
    tip.style.left = `${(100 * Math.min(x + 10, scene.width - 190 / scale)) / scene.width}%`;
    tip.style.top = `${(100 * (y + 14)) / scene.height}%`;
  }

  function pick(event) {
    const found = find(event);
    if (!found) return;
    panelKeys.get(found.panel.name)?.focus({ preventScroll: true });
    if (found.group) model.send({ kind: "pick", panel: found.panel.name, group: found.group, id: found.id });
  }

  stage.addEventListener("pointermove", hover);
  stage.addEventListener("pointerleave", () => { if (scene) light(null); tip.hidden = true; });
  stage.addEventListener("click", (event) => { if (!event.target.closest(".fe-handle")) pick(event); });
  for (const kind of ["pointerover", "focusin"])
    formula.addEventListener(kind, (event) => {
      const mark = event.target.closest("[data-mark]")?.dataset.mark.split(":");
      light(mark ? { group: mark[0], id: mark[1] === undefined ? null : Number(mark[1]) } : null);
    });
  for (const kind of ["pointerleave", "focusout"]) formula.addEventListener(kind, () => light(null));

  // A panel that takes arrow keys can be reached by Tab.
  function placeKeys() {
    for (const panel of scene.panels) {
      if (!panel.keys) continue;
      if (!panelKeys.has(panel.name)) {
        const area = element("div", `fe-keys fe-keys-${panel.name}`, null, { tabindex: "0", role: "group" });
        area.addEventListener("keydown", (event) => {
          const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
          if (dx === undefined) return;
          event.preventDefault();
          event.stopPropagation();
          model.send({ kind: "arrow", panel: panel.name, dx, dy });
        });
        overlay.after(area);
        panelKeys.set(panel.name, area);
      }
      const area = panelKeys.get(panel.name), [x, y, w, h] = panel.place;
      area.setAttribute("aria-label", word("{1}. Arrow keys choose.", panel.alt || panel.title));
      area.style.left = `${(100 * x) / scene.width}%`;
      area.style.top = `${(100 * y) / scene.height}%`;
      area.style.width = `${(100 * w) / scene.width}%`;
      area.style.height = `${(100 * h) / scene.height}%`;
    }
  }

  // ------------------------------------------------------------------------------------------------- prompts and reset

  const prompts = model.get("prompts");
  let prompt = 0;
  const reset = element("button", "fe-button fe-reset", null, { type: "button" });
  reset.textContent = word("Reset");
  reset.addEventListener("click", () => model.send({ kind: "reset" }));
  if (prompts.length) {
    const back = element("button", "fe-button fe-back", bottom, { type: "button", "aria-label": word("previous suggestion") });
    const where = element("span", "fe-where", bottom);
    const next = element("button", "fe-button fe-next", bottom, { type: "button", "aria-label": word("next suggestion") });
    const text = element("span", "fe-prompt", bottom, { "aria-live": "polite" });
    const doIt = element("button", "fe-button fe-do", bottom, { type: "button" });
    back.textContent = "‹"; next.textContent = "›"; doIt.textContent = word("Do it");
    const tell = (index) => {
      prompt = (index + prompts.length) % prompts.length;
      where.textContent = word("Try {1} of {2}", prompt + 1, prompts.length);
      text.textContent = prompts[prompt];
    };
    back.addEventListener("click", () => tell(prompt - 1));
    next.addEventListener("click", () => tell(prompt + 1));
    doIt.addEventListener("click", () => model.send({ kind: "prompt", index: prompt }));
    tell(0);
    model.on("change:prompt", () => tell(model.get("prompt"))); // in a page with links to suggestions
  }
  bottom.append(reset);

  // ------------------------------------------------------------------------------------------------- life in a page

  // A slider's number has no name that can be read aloud, and a button does not say whether it is pressed: add both.
  function nameControls() {
    for (const control of el.closest(".fe-explorer")?.querySelectorAll(".fe-controls > *") ?? []) {
      const label = control.querySelector("label")?.textContent;
      if (!label) continue;
      for (const handle of control.querySelectorAll(".noUi-handle")) handle.setAttribute("aria-label", label);
      control.querySelector(".widget-readout")?.setAttribute("aria-label", word("{1}, number", label));
      const buttons = control.querySelectorAll(".widget-toggle-button");
      if (buttons.length) { control.setAttribute("role", "group"); control.setAttribute("aria-label", label); }
      for (const button of buttons) button.setAttribute("aria-pressed", button.classList.contains("mod-active"));
    }
  }

  // The cell also has a still picture, for pages without a kernel: hide it where this board is shown.
  function hideStill() {
    const still = el.closest(".jp-OutputArea-child")?.previousElementSibling;
    if (still?.querySelector("img") && still.querySelectorAll("img, canvas, pre").length === 1) still.style.display = "none";
  }

  // A page that was opened and not run has no kernel that answers its widgets: say so.
  const token = String(Math.random());
  const hello = setTimeout(() => {
    note.textContent = word("This is a still picture: run the cell to make it interactive.");
    note.hidden = false;
  }, 3000);
  const alive = () => {
    if (model.get("alive") !== token) return;
    clearTimeout(hello);
    note.hidden = true;
    el.dataset.alive = "yes";
  };

  const resized = new ResizeObserver(() => {
    if (!stage.clientWidth || stage.clientWidth === Math.round(scale * scene.width)) return;
    redraw();
    for (const text of [formula, words]) text.style.minHeight = "";
  });
  const repaint = () => { if (readTheme()) redraw(); };
  const themes = new MutationObserver(() => setTimeout(repaint, 100)); // pages write their theme's name there
  for (const one of [document.documentElement, document.body]) themes.observe(one, { attributes: true });
  const later = setInterval(() => { nameControls(); hideStill(); repaint(); }, 1500); // controls may be made after this board
  model.on("change:scene", show);
  model.on("change:problem", showProblem);
  model.on("change:alive", alive);
  readTheme();
  show();
  showProblem();
  resized.observe(stage);
  for (const text of [formula, words]) grown.observe(text);
  requestAnimationFrame(() => { nameControls(); hideStill(); });
  model.send({ kind: "hello", token });
  return () => { resized.disconnect(); grown.disconnect(); themes.disconnect(); clearInterval(later); clearTimeout(hello); };
}

export default { render };
