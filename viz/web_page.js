"use strict";
// Draws the frames of this page with WebGL 2 alone: nothing is fetched, so that it works offline from disk.
const about = JSON.parse(document.getElementById("about").textContent);
const at = (id) => document.getElementById(id);
const canvas = at("view");
const gl = canvas.getContext("webgl2", { alpha: false, antialias: true, preserveDrawingBuffer: true });
const state = {
  frame: about.frames.length - 1, color: about.start, clipAxis: -1, clip: 0.5, turn: about.azimuth, tilt: 22, zoom: 1,
  move: [0, 0], spinning: false, hidden: new Set(about.hidden),
};

const VERTEX = `#version 300 es
in vec3 place; in vec3 normal; in float shade; in vec2 value; in vec4 share;
in vec3 center; in float radius; in vec3 away;
uniform mat3 turn; uniform vec2 move; uniform vec2 window; uniform float span, depth, flatness, radiusUnit;
uniform vec3 middle; uniform bool cells;
out vec3 vNormal; out vec3 vPlace; out float vShade; out vec2 vValue; out vec4 vShare;
void main() {
  vec3 where, n;
  if (cells) {  // a ball, pressed flat along the surface
    float along = dot(place, away);
    vec3 ball = place - (1.0 - flatness) * along * away;
    where = center * span + radius * radiusUnit * ball;
    n = normalize(place + (1.0 / flatness - 1.0) * along * away);
    vPlace = center * span;
  } else { where = place * span; n = normal; vPlace = where; }
  vec3 seen = turn * (where - middle);
  gl_Position = vec4((seen.xy + move) / window, -seen.z / depth, 1.0);
  vNormal = turn * n; vShade = cells ? 1.0 : shade; vValue = value; vShare = share;
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec3 vNormal; in vec3 vPlace; in float vShade; in vec2 vValue; in vec4 vShare;
uniform int mode, clipAxis, known; uniform float clipAt, alpha; uniform vec3 base; uniform vec3 classes[4]; uniform sampler2D ramp;
out vec4 color;
void main() {
  if (clipAxis >= 0 && vPlace[clipAxis] > clipAt) discard;
  vec3 c = base;
  if (mode == 1 && vValue.y > 0.5) c = texture(ramp, vec2(vValue.x / vValue.y * 0.996 + 0.002, 0.5)).rgb;
  if (mode == 2) for (int k = 0; k < known; k++) if (vShare[k] > 0.5) c = classes[k];
  // the inside, seen through a cut, is drawn flat: it looks like the face of the cut
  if (!gl_FrontFacing && clipAxis >= 0) { color = vec4(base * vec3(0.84, 0.79, 0.74), alpha); return; }
  vec3 n = normalize(gl_FrontFacing ? vNormal : -vNormal);
  float light = 0.24 + 0.88 * max(0.0, dot(n, normalize(vec3(-0.55, 0.75, 0.75))))
    + 0.32 * max(0.0, dot(n, normalize(vec3(0.90, 0.15, 0.60)))) + 0.18 * max(0.0, n.z);
  color = vec4(pow(pow(c, vec3(1.6)) * vShade * light, vec3(1.0 / 1.6)), alpha);
}`;

function fail(text) { at("trouble").textContent = text; at("trouble").hidden = false; throw new Error(text); }
if (!gl) fail("This page needs WebGL 2, which this browser or machine does not offer. Try a current Firefox, Chrome, Edge or Safari.");
if (!window.DecompressionStream) fail("This browser is too old to unpack the data of this page; try a current one.");

function build() {
  const made = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text); gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) fail(gl.getShaderInfoLog(shader));
    gl.attachShader(made, shader);
  }
  ["place", "normal", "shade", "value", "share", "center", "radius", "away"].forEach((n, k) => gl.bindAttribLocation(made, k, n));
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) fail(gl.getProgramInfoLog(made));
  gl.useProgram(made);
  return made;
}
const program = build();
const SLOT = { place: 0, normal: 1, shade: 2, value: 3, share: 4, center: 5, radius: 6, away: 7 };
const uniform = new Proxy({}, { get: (known, name) => known[name] ??= gl.getUniformLocation(program, name) });

// ---- unpacking: planes of bytes of differences, which compress well
async function unpack(id) {
  const packed = Uint8Array.from(atob(at(id).textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
const reader = (bytes) => { let start = 0; return (n) => bytes.subarray(start, (start += n)); };
function places(take, n) {
  const out = new Uint16Array(3 * n);
  for (let axis = 0; axis < 3; axis++) {
    const high = take(n), low = take(n);
    for (let i = 0, sum = 0; i < n; i++) out[3 * i + axis] = sum = (sum + (high[i] << 8) + low[i]) & 65535;
  }
  return out;
}
function corners(take, n) {
  const out = new Uint32Array(n), plane = [take(n), take(n), take(n), take(n)];
  for (let i = 0, sum = 0; i < n; i++) {
    const z = ((plane[0][i] << 24) | (plane[1][i] << 16) | (plane[2][i] << 8) | plane[3][i]) >>> 0;
    out[i] = sum = (sum + ((z >>> 1) ^ -(z & 1))) >>> 0;
  }
  return out;
}
function woven(take, n, width) {  // width planes of n bytes -> n rows of width bytes
  const out = new Uint8Array(width * n);
  for (let k = 0; k < width; k++) { const plane = take(n); for (let i = 0; i < n; i++) out[width * i + k] = plane[i]; }
  return out;
}

function buffer(data, target = gl.ARRAY_BUFFER) {
  const made = gl.createBuffer();
  gl.bindBuffer(target, made); gl.bufferData(target, data, gl.STATIC_DRAW);
  return made;
}
function point(slot, width, kind, made, { stride = 0, offset = 0, normalized = true, each = 0 } = {}) {
  gl.bindBuffer(gl.ARRAY_BUFFER, made);
  gl.enableVertexAttribArray(slot);
  gl.vertexAttribPointer(slot, width, kind, normalized, stride, offset);
  gl.vertexAttribDivisor(slot, each);
}
function mesh(take, n, triangles) {
  const vao = gl.createVertexArray();
  const xyz = buffer(places(take, n)), lit = buffer(woven(take, n, 4)), index = corners(take, 3 * triangles);
  gl.bindVertexArray(vao);
  point(SLOT.place, 3, gl.UNSIGNED_SHORT, xyz);
  point(SLOT.normal, 3, gl.BYTE, lit, { stride: 4 });
  point(SLOT.shade, 1, gl.UNSIGNED_BYTE, lit, { stride: 4, offset: 3 });
  buffer(index, gl.ELEMENT_ARRAY_BUFFER);
  return { vao, count: 3 * triangles };
}
function ball(rings, parts) {
  const xyz = [], index = [];
  for (let i = 0; i <= rings; i++) for (let j = 0; j <= parts; j++) {
    const a = Math.PI * i / rings, b = 2 * Math.PI * j / parts, k = i * (parts + 1) + j;
    xyz.push(Math.sin(a) * Math.cos(b), Math.sin(a) * Math.sin(b), Math.cos(a));
    if (i < rings && j < parts && i > 0) index.push(k, k + parts + 1, k + 1);
    if (i < rings - 1 && j < parts) index.push(k + 1, k + parts + 1, k + parts + 2);
  }
  return { xyz: buffer(new Float32Array(xyz)), index: new Uint16Array(index) };
}
const FINE = ball(8, 12), PLAIN = ball(4, 7);  // thousands of cells need not be perfectly round
function cells(take, n) {
  const vao = gl.createVertexArray(), shape = n > 1000 ? PLAIN : FINE;
  const center = buffer(places(take, n)), rest = buffer(woven(take, n, 4));
  gl.bindVertexArray(vao);
  point(SLOT.place, 3, gl.FLOAT, shape.xyz, { normalized: false });
  point(SLOT.center, 3, gl.UNSIGNED_SHORT, center, { each: 1 });
  point(SLOT.away, 3, gl.BYTE, rest, { stride: 4, each: 1 });
  point(SLOT.radius, 1, gl.UNSIGNED_BYTE, rest, { stride: 4, offset: 3, each: 1 });
  buffer(shape.index, gl.ELEMENT_ARRAY_BUFFER);
  return { vao, count: n, corners: shape.index.length };
}

const kept = new Map();  // frames on the graphics card, latest last
async function load(number) {
  if (kept.has(number)) return kept.get(number);
  const told = about.frames[number], take = reader(await unpack(`frame${number}`));
  const made = { bone: mesh(take, told.points, told.triangles), colors: {}, layers: [] };
  for (const [name, width] of told.colors) made.colors[name] = { width, data: buffer(woven(take, told.points, width)) };
  made.lost = mesh(take, told.lostPoints, told.lostTriangles);
  for (const layer of told.layers) made.layers.push({ ...layer, ...cells(take, layer.count) });
  kept.set(number, made);
  return made;
}

const ramps = {};
function rampTexture(name) {
  if (!ramps[name]) {
    ramps[name] = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, ramps[name]);
    const colors = about.ramps[name];
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, colors.length / 3, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, new Uint8Array(colors));
    for (const [key, value] of [["MIN_FILTER", "LINEAR"], ["MAG_FILTER", "LINEAR"], ["WRAP_S", "CLAMP_TO_EDGE"], ["WRAP_T", "CLAMP_TO_EDGE"]])
      gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${key}`], gl[value]);
  }
  gl.bindTexture(gl.TEXTURE_2D, ramps[name]);
}

// ---- drawing
const screen = (color) => color.map((c) => c / 255);
function camera() {
  const a = state.turn * Math.PI / 180, b = state.tilt * Math.PI / 180;
  const right = [-Math.sin(a), Math.cos(a), 0];
  const back = [Math.cos(b) * Math.cos(a), Math.cos(b) * Math.sin(a), Math.sin(b)];
  const up = [-Math.sin(b) * Math.cos(a), -Math.sin(b) * Math.sin(a), Math.cos(b)];
  const size = about.size_mm, radius = 0.5 * Math.hypot(...size);
  // the panel covers the left: what is left of the window holds the specimen
  const left = canvas.clientWidth > 700 ? 260 : 0, wide = canvas.clientWidth - left, high = canvas.clientHeight - 60;
  const perPixel = 1.9 * radius / Math.min(wide, high) / state.zoom;
  const move = [state.move[0] + 0.5 * left * perPixel, state.move[1] + 30 * perPixel];
  return { turn: [right[0], up[0], back[0], right[1], up[1], back[1], right[2], up[2], back[2]], perPixel, move, radius };
}
function draw() {
  const now = kept.get(state.frame);
  if (!now) return;
  const dots = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * dots); canvas.height = Math.round(canvas.clientHeight * dots);
  const view = camera();
  gl.viewport(0, 0, canvas.width, canvas.height);
  gl.clearColor(1, 1, 1, 1); gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
  gl.enable(gl.DEPTH_TEST); gl.depthMask(true); gl.disable(gl.BLEND); gl.disable(gl.CULL_FACE);
  gl.uniformMatrix3fv(uniform.turn, false, view.turn);
  gl.uniform2fv(uniform.move, view.move);
  gl.uniform2f(uniform.window, 0.5 * canvas.clientWidth * view.perPixel, 0.5 * canvas.clientHeight * view.perPixel);
  gl.uniform1f(uniform.span, about.span_mm); gl.uniform1f(uniform.depth, 2 * view.radius);
  gl.uniform3fv(uniform.middle, about.size_mm.map((n) => n / 2));
  gl.uniform1i(uniform.clipAxis, state.clipAxis);
  gl.uniform1f(uniform.clipAt, state.clip * about.size_mm[Math.max(0, state.clipAxis)]);
  gl.uniform1f(uniform.alpha, 1); gl.uniform1i(uniform.cells, 1);
  gl.uniform1f(uniform.radiusUnit, about.radius_unit_mm);
  gl.uniform1i(uniform.mode, 0);
  for (const layer of now.layers) if (!state.hidden.has(layer.name)) {
    gl.uniform3fv(uniform.base, screen(layer.color)); gl.uniform1f(uniform.flatness, layer.flatness);
    gl.bindVertexArray(layer.vao);
    gl.drawElementsInstanced(gl.TRIANGLES, layer.corners, gl.UNSIGNED_SHORT, 0, layer.count);
  }
  gl.uniform1i(uniform.cells, 0);
  if (!state.hidden.has("lost")) {
    gl.uniform3fv(uniform.base, screen(about.lost));
    gl.bindVertexArray(now.lost.vao); gl.drawElements(gl.TRIANGLES, now.lost.count, gl.UNSIGNED_INT, 0);
  }
  if (!state.hidden.has("bone")) drawBone(now);
  scaleBar(view.perPixel);
}
function drawBone(now) {
  const told = about.colors[state.color], data = now.colors[state.color];
  gl.bindVertexArray(now.bone.vao);
  gl.disableVertexAttribArray(SLOT.value); gl.disableVertexAttribArray(SLOT.share);
  if (data && told.ramp) { point(SLOT.value, 2, gl.UNSIGNED_BYTE, data.data); rampTexture(told.ramp); }
  if (data && !told.ramp) {
    point(SLOT.share, data.width, gl.UNSIGNED_BYTE, data.data);
    gl.uniform1i(uniform.known, data.width);
    told.classes.forEach(([, color], k) => gl.uniform3fv(uniform[`classes[${k}]`], screen(color)));
  }
  gl.uniform1i(uniform.mode, data ? (told.ramp ? 1 : 2) : 0);
  gl.uniform3fv(uniform.base, screen(about.bone));
  if (!state.hidden.has("glass")) {  // through glass one sees what lies inside
    gl.enable(gl.BLEND); gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA); gl.depthMask(false);
    gl.enable(gl.CULL_FACE); gl.cullFace(gl.BACK); gl.uniform1f(uniform.alpha, 0.22);
  }
  gl.drawElements(gl.TRIANGLES, now.bone.count, gl.UNSIGNED_INT, 0);
}
function scaleBar(mmPerPixel) {
  const room = 140 * mmPerPixel, power = 10 ** Math.floor(Math.log10(room));
  const mm = power * [5, 2, 1].find((n) => n * power <= room);
  at("scale").querySelector("div").style.width = `${mm / mmPerPixel}px`;
  at("scale").querySelector("span").textContent = mm >= 1 ? `${mm} mm` : `${Math.round(1000 * mm)} \u00b5m`;
}

// ---- words
function describe() {
  const told = about.frames[state.frame];
  at("when").textContent = told.when;
  at("facts").replaceChildren(...Object.entries(told.facts).flatMap(([name, value]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = name; dd.textContent = value;
    return [dt, dd];
  }));
  const shown = about.colors[state.color], legend = at("legend"), css = (c) => `rgb(${c.join(",")})`;
  const key = (label, color) => {
    const row = document.createElement("div"), box = document.createElement("span");
    row.className = "key"; box.className = "swatch"; box.style.background = css(color);
    row.append(box, label);
    return row;
  };
  legend.replaceChildren();
  if (shown.ramp) {
    const colors = about.ramps[shown.ramp], stops = [];
    for (let k = 0; k < colors.length; k += 3) stops.push(css(colors.slice(k, k + 3)));
    const bar = document.createElement("div"), ends = document.createElement("div"), name = document.createElement("div");
    bar.className = "ramp"; bar.style.background = `linear-gradient(90deg, ${stops})`;
    ends.className = "ends"; ends.innerHTML = "<span></span><span></span>";
    shown.ends.forEach((text, k) => { ends.children[k].textContent = text; });
    name.className = "key"; name.textContent = shown.label;
    legend.append(bar, ends, name);
  } else if (shown.classes.length) {
    legend.append(key(shown.rest, about.bone), ...shown.classes.map(([label, color]) => key(label, color)));
  }
  for (const box of at("layers").querySelectorAll("input")) {
    const layers = told.layers.filter((layer) => layer.name === box.value);
    const note = box.parentElement.querySelector(".small");
    if (layers.length) note.textContent = layers.map((l) => `${l.count * l.standsFor}${l.standsFor > 1 ? ` (1 in ${l.standsFor})` : ""}`).join(" + ");
    else if (note) note.textContent = about.layers.find((l) => l.cells && l.name === box.value) ? "0" : "";
  }
}
async function show() {
  document.body.dataset.ready = "";
  await load(state.frame);
  at("day").value = state.frame; at("color").value = state.color;
  describe(); draw();
  document.body.dataset.ready = `${about.frames[state.frame].day} ${state.color}`;
}

// ---- controls
function setUp() {
  at("subtitle").textContent = about.subtitle;
  at("day").max = about.frames.length - 1;
  at("bar").hidden = about.frames.length < 2;
  if (about.frames.length < 2) at("bar").style.display = "none";
  for (const [name, { title }] of Object.entries(about.colors)) at("color").add(new Option(title, name));
  for (const { name, title, color } of about.layers) {
    const row = document.createElement("label");
    row.innerHTML = '<input type="checkbox"><span class="swatch"></span><span></span><span class="small"></span>';
    const [box, swatch, text] = row.children;
    box.value = name; box.checked = !state.hidden.has(name); text.textContent = title;
    if (color) swatch.style.background = `rgb(${color.join(",")})`; else swatch.remove();
    box.onchange = () => { box.checked ? state.hidden.delete(name) : state.hidden.add(name); show(); };
    at("layers").append(row);
  }
  at("day").oninput = () => { state.frame = Number(at("day").value); show(); };
  at("color").onchange = () => { state.color = at("color").value; show(); };
  at("clip-axis").onchange = () => { state.clipAxis = Number(at("clip-axis").value); at("clip").disabled = state.clipAxis < 0; show(); };
  at("clip").oninput = () => { state.clip = at("clip").value / 1000; show(); };
  at("reset").onclick = () => { Object.assign(state, { turn: about.azimuth, tilt: 22, zoom: 1, move: [0, 0] }); draw(); };
  at("turn").onclick = () => { state.spinning = !state.spinning; at("turn").textContent = state.spinning ? "Stop" : "Turn"; spin(); };
  at("save").onclick = () => { const link = document.createElement("a"); draw(); link.href = canvas.toDataURL("image/png"); link.download = `${about.title}_day_${about.frames[state.frame].day}.png`; link.click(); };
  let playing = 0;
  at("play").onclick = () => {
    if (playing) { clearInterval(playing); playing = 0; } else playing = setInterval(() => { state.frame = (state.frame + 1) % about.frames.length; show(); }, 700);
    at("play").textContent = playing ? "\u23f8" : "\u25b6";
  };
  hands();
  addEventListener("resize", draw);
}
function spin() { if (state.spinning) { state.turn += 0.5; draw(); requestAnimationFrame(spin); } }
function hands() {
  const down = new Map();
  canvas.onpointerdown = (event) => { down.set(event.pointerId, event); canvas.setPointerCapture(event.pointerId); };
  canvas.onpointerup = canvas.onpointercancel = (event) => down.delete(event.pointerId);
  canvas.oncontextmenu = (event) => event.preventDefault();
  canvas.onpointermove = (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
    if (down.size === 2) {  // two fingers: zoom by their distance
      const [other] = [...down.entries()].filter(([id]) => id !== event.pointerId).map(([, e]) => e);
      const far = (e) => Math.hypot(e.clientX - other.clientX, e.clientY - other.clientY);
      zoom(far(event) / Math.max(far(before), 1));
    } else if (event.buttons & 2 || event.shiftKey) {
      const { perPixel } = camera();
      state.move[0] += dx * perPixel; state.move[1] -= dy * perPixel;
    } else {
      state.turn -= 0.4 * dx; state.tilt = Math.max(-90, Math.min(90, state.tilt + 0.4 * dy));
    }
    down.set(event.pointerId, event); draw();
  };
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoom(Math.exp(-0.0012 * event.deltaY)); draw(); }, { passive: false });
}
function zoom(factor) { state.zoom = Math.max(0.2, Math.min(40, state.zoom * factor)); }

setUp();
show();
