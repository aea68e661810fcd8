// The demo page: a chat by WebSocket, the same channels by EventSource, and charts of the hub.

const HUB = new URL(document.documentElement.dataset.hub, document.baseURI);
const CHAT = "demo-chat"; // what people say
const PULSE = "demo-pulse"; // once a second the server's figures, and this page's probes
const EVENTS = "demo-*?match=1"; // both
const SECONDS = 60;
const LOADS = [0, 10, 100, 500, 2000]; // messages a second

const byId = (id) => document.getElementById(id);
const me = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);

// Figures of the last minute, by name.
const series = Object.fromEntries(
  ["connections", "published", "delivered", "websocket", "eventsource"].map((name) => [name, []]),
);

function note(name, value) {
  const values = series[name];
  values.push(value);
  if (values.length > SECONDS) values.shift();
  const digits = name === "websocket" || name === "eventsource" ? 1 : 0;
  byId(name).value = value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

// Connections. A WebSocket is opened again by us, an EventSource by the browser.

const open = new Set();

function show(name, isOpen) {
  if (isOpen) open.add(name);
  else open.delete(name);
  const isLive = [CHAT, PULSE].every((name) => open.has(name)) && (document.hidden || open.has(EVENTS));
  byId("state").dataset.state = isLive ? "live" : "lost";
  byId("state").textContent = isLive ? "live" : "connecting";
}

function socket(channel, onmessage) {
  const url = new URL(channel, HUB);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const it = { send: (text) => it.socket.readyState === WebSocket.OPEN && it.socket.send(text) };
  let wait = 250;
  const connect = () => {
    it.socket = new WebSocket(url);
    it.socket.onopen = () => ((wait = 250), show(channel, true));
    it.socket.onmessage = (event) => onmessage(event.data);
    it.socket.onclose = () => {
      show(channel, false);
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 8000);
    };
  };
  connect();
  return it;
}

// What goes over the channels: an object of a kind, or any text, which somebody has said.
function read(data) {
  try {
    const value = JSON.parse(data);
    if (value && typeof value === "object") return value;
  } catch {}
  return { kind: "chat", name: "terminal", text: data };
}

const chat = socket(CHAT, (data) => {
  const { kind, name, text } = read(data);
  if (kind === "chat") add(byId("chat"), String(name), String(text));
});

const pulse = socket(PULSE, (data) => {
  const message = read(data);
  if (message.kind === "figures") {
    for (const name of ["connections", "published", "delivered"]) note(name, Number(message[name]));
    draw();
  } else if (message.kind === "probe" && message.from === me) {
    note("websocket", performance.now() - message.at);
  }
});

function events() {
  const source = new EventSource(new URL(EVENTS, HUB));
  source.onopen = () => show(EVENTS, true);
  source.onerror = () => show(EVENTS, false);
  source.onmessage = (event) => {
    // Who listens to a pattern is told the channel of each message.
    const { channel, data } = JSON.parse(event.data);
    const message = read(data);
    if (message.kind === "chat") add(byId("mirror"), channel, data);
    else if (message.kind === "probe" && message.from === me) note("eventsource", performance.now() - message.at);
  };
  return source;
}

// A browser opens six connections to a server and no more: a hidden tab keeps none of them.
let source;
function listen() {
  source?.close();
  show(EVENTS, false);
  source = document.hidden ? undefined : events();
}
document.addEventListener("visibilitychange", listen);
listen();

setInterval(() => pulse.send(JSON.stringify({ kind: "probe", from: me, at: performance.now() })), 1000);

// The chat.

function add(list, name, text) {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const line = document.createElement("li");
  const who = document.createElement("b");
  who.textContent = name;
  line.append(who, text);
  list.append(line);
  while (list.childElementCount > 200) list.firstElementChild.remove();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

byId("name").value = sessionStorage.name ?? `guest-${me.slice(0, 3)}`;
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("name").value;
  sessionStorage.name = name;
  chat.send(JSON.stringify({ kind: "chat", name, text: byId("text").value }));
  byId("text").value = "";
  byId("text").focus({ preventScroll: true });
});

// The load: in ten portions a second, which is as even as a browser's timers are.

let portion = 0;
byId("load").addEventListener("input", ({ target }) => {
  const rate = LOADS[target.value];
  portion = rate / 10;
  byId("rate").value = rate ? `${rate.toLocaleString("en")} a second` : "off";
});
setInterval(() => {
  for (let i = 0; i < portion; i++) pulse.send('{"kind":"load"}');
}, 100);

// The charts.

const CHARTS = {
  connections: ["connections"],
  messages: ["published", "delivered"],
  latency: ["websocket", "eventsource"],
};

function draw() {
  const style = getComputedStyle(document.documentElement);
  for (const canvas of document.querySelectorAll("canvas")) {
    const names = CHARTS[canvas.dataset.chart];
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const scale = devicePixelRatio;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const top = ceiling(Math.max(1, ...names.flatMap((name) => series[name])));
    const y = (value) => height - 2 - (value / top) * (height - 16);

    context.strokeStyle = style.getPropertyValue("--line");
    context.fillStyle = style.getPropertyValue("--soft");
    context.font = "11px system-ui, sans-serif";
    for (const value of [0, top / 2, top]) {
      context.beginPath();
      context.moveTo(0, y(value));
      context.lineTo(width, y(value));
      context.stroke();
      if (value) context.fillText(value.toLocaleString("en"), 2, y(value) - 3);
    }

    names.forEach((name, i) => {
      const values = series[name];
      const x = (at) => width - ((values.length - 1 - at) / (SECONDS - 1)) * width;
      context.beginPath();
      values.forEach((value, at) => context.lineTo(x(at), y(value)));
      context.strokeStyle = style.getPropertyValue(i ? "--two" : "--one");
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.stroke();
    });
  }
}

// The next 1, 2 or 5 with zeros behind it.
function ceiling(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * [1, 2, 5, 10].find((step) => step * unit >= value);
}

addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

const address = new URL(CHAT, HUB);
byId("commands").textContent = `curl -d 'hello from a terminal' ${address}
curl -N -H 'Accept: text/event-stream' ${address}`;
