"""What runs in Chromium's page: joining a relay as a viewer's page does, and noting every picture that is shown."""

from __future__ import annotations

# `way` is what bench.ways.to_json makes. Both resolve when the answer is set; `before` is what need not be measured.
_NEGOTIATE = """
const relays = {
  Whep: {
    async before() {},
    async join(pc, way, rtx) {
      pc.addTransceiver("video", {direction: "recvonly"});
      const offer = await pc.createOffer();
      if (!rtx) offer.sdp = withoutRtx(offer.sdp);
      await pc.setLocalDescription(offer);
      const posted = performance.now();
      const reply = await fetch(way.url, {
        method: "POST", headers: {...way.headers, "content-type": "application/sdp"}, body: pc.localDescription.sdp});
      if (reply.status !== 201) throw new Error(`WHEP: ${reply.status} ${await reply.text()}`);
      const location = new URL(reply.headers.get("location"), way.url);
      await pc.setRemoteDescription({type: "answer", sdp: await reply.text()});
      return {posted, leave: () => fetch(location, {method: "DELETE", headers: way.headers})};
    },
  },
  Janus: {
    async say(url, message) {
      const body = JSON.stringify({...message, transaction: Math.random().toString(36).slice(2)});
      const reply = await (await fetch(url, {method: "POST", body})).json();
      if (reply.janus === "error") throw new Error(`Janus: ${reply.error.reason}`);
      return reply;
    },
    async before(way) {
      this.session = `${way.url}/${(await this.say(way.url, {janus: "create"})).data.id}`;
      const attached = await this.say(this.session, {janus: "attach", plugin: "janus.plugin.streaming"});
      this.handle = `${this.session}/${attached.data.id}`;
    },
    async join(pc, way) {
      const {session, handle} = this;
      const posted = performance.now();
      await this.say(handle, {janus: "message", body: {request: "watch", id: way.mountpoint}});
      let event;
      do { event = await (await fetch(session)).json(); } while (!event.jsep);
      await pc.setRemoteDescription(event.jsep);
      await pc.setLocalDescription(await pc.createAnswer());
      const {type, sdp} = pc.localDescription;
      await this.say(handle, {janus: "message", body: {request: "start"}, jsep: {type, sdp}});
      return {posted, leave: () => this.say(session, {janus: "destroy"})};
    },
  },
};
function withoutRtx(sdp) {
  const gone = [...sdp.matchAll(/^a=rtpmap:(\\d+) rtx\\//gm)].map((found) => found[1]);
  const about = new RegExp(`^a=(rtpmap|fmtp|rtcp-fb):(${gone.join("|")}) `);
  const again = /^a=rtcp-fb:\\d+ nack$/;  // nor is anything sent again without it
  return sdp.split("\\r\\n").filter((line) => !about.test(line) && !again.test(line)).map((line) =>
    line.startsWith("m=video") ? line.split(" ").filter((word) => !gone.includes(word)).join(" ") : line
  ).join("\\r\\n");
}
"""

# The strip of the simulator's pictures (simulators/strip.py): the wall clock in it in ms, null when it cannot be read.
_STRIP = """
const canvas = new OffscreenCanvas(16, 16);
const context = canvas.getContext("2d", {willReadFrequently: true});
function stripClock(video) {
  const width = video.videoWidth, cell = width / 80, height = Math.round(2 * cell);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  context.drawImage(video, 0, 0, width, height, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height).data;
  const grey = (row, column) => {
    let sum = 0, count = 0;
    const left = Math.floor((column + 0.25) * cell), top = Math.floor((row + 0.25) * cell);
    for (let y = top; y < top + Math.max(1, cell / 2); y++)
      for (let x = left; x < left + Math.max(1, cell / 2); x++, count++) sum += pixels[4 * (y * width + x) + 1];
    return sum / count;
  };
  const sync = ["10101100", "01010011"];
  let bright = 0, dark = 0;
  for (const row of [0, 1]) for (let column = 0; column < 8; column++)
    if (sync[row][column] === "1") bright += grey(row, column) / 8; else dark += grey(row, column) / 8;
  if (bright - dark < 24) return null;
  const bytes = new Uint8Array(18);
  for (let bit = 0; bit < 144; bit++) {
    const row = Math.floor(bit / 72);
    if (grey(row, 8 + bit % 72) > (bright + dark) / 2) bytes[bit >> 3] |= 0x80 >> (bit & 7);
  }
  let crc = 0xffff;
  for (const byte of bytes.subarray(0, 16)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
  }
  if (crc !== (bytes[16] << 8 | bytes[17])) return null;
  return bytes.subarray(4, 10).reduce((value, byte) => value * 256 + byte, 0);
}
"""

# Begins to watch; resolves at the first picture. window.watching then has the pictures: [shown, height, taken], in ms
# since 1970. `shown` is when the picture is expected on the screen (requestVideoFrameCallback).
WATCH = f"""
async ({{way, timeoutMs, rtx, strip, holds}}) => {{
  {_NEGOTIATE}
  {_STRIP}
  const began = performance.now();
  const pc = new RTCPeerConnection(), video = document.createElement("video");
  video.muted = video.autoplay = video.playsInline = true;
  document.body.append(video);
  const watching = window.watching = {{pc, video, frames: [], leave: async () => {{}}}};
  const first = new Promise((resolve, reject) => {{
    const shown = (now, frame) => {{
      if (window.watching !== watching) return;
      const at = Math.max(now, frame.expectedDisplayTime);
      const taken = strip ? stripClock(video) : null;
      watching.frames.push([performance.timeOrigin + at, video.videoHeight, taken]);
      if (watching.frames.length === 1) resolve(now);
      video.requestVideoFrameCallback(shown);
    }};
    video.requestVideoFrameCallback(shown);
    setTimeout(() => reject(new Error(`no picture: ${{pc.connectionState}} ${{pc.iceConnectionState}}`)), timeoutMs);
  }});
  first.catch(() => {{}});  // looked at below, if it comes so far
  pc.ontrack = (event) => {{ video.srcObject = new MediaStream([event.track]); }};
  const relay = relays[way.kind];
  const beforehand = performance.now();
  await relay.before(way);
  const prepared = performance.now() - beforehand;
  const {{posted, leave}} = await relay.join(pc, way, rtx);
  watching.leave = leave;
  const answered = performance.now();
  if (holds) {{
    const meter = new client.Meter(), [receiver] = pc.getReceivers();
    receiver.jitterBufferTarget = 0;
    watching.holds = [];
    watching.metering = setInterval(async () => {{
      const sample = client.sampleOf((await pc.getStats()).values());
      const reading = sample && meter.see(sample, performance.now());
      if (reading && receiver.jitterBufferTarget !== reading.holdMs) {{
        receiver.jitterBufferTarget = reading.holdMs;
        watching.holds.push(reading.holdMs);
      }}
    }}, 500);
  }}
  const picture = await first;
  return {{postedAt: (performance.timeOrigin + posted) / 1000, offer: posted - began - prepared,
          answer: answered - posted, picture: picture - posted}};
}}
"""

# The pictures since the last call, and what Chromium itself counts.
TAKE = """
async () => {
  const {pc, frames} = window.watching, stats = {};
  for (const item of (await pc.getStats()).values()) if (item.type === "inbound-rtp") Object.assign(stats, item);
  stats.holds = (window.watching.holds || []).join(" ");
  return {frames: frames.splice(0), stats};
}
"""

LEAVE = """
async () => {
  const watching = window.watching;
  window.watching = null;
  if (!watching) return;
  clearInterval(watching.metering);
  watching.pc.close();
  watching.video.remove();
  await watching.leave();
}
"""
