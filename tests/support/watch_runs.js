// Counts the whole runs of the app's script, and those of its fragments, as the server tells their ends; a quick run is over
// before the page has drawn that it began. What it tells is protobuf: a ForwardMsg, whose field 6 says how a run ended.
const ENDED = 6;
const HOW = { 0: "whole", 3: "fragment" };

const read = (bytes, at) => {
  let value = 0;
  for (let shift = 1; ; shift *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * shift;
    if (byte < 128) return [value, at];
  }
};

const ended = (bytes) => {
  for (let at = 0; at < bytes.length; ) {
    let tag, value;
    [tag, at] = read(bytes, at);
    if ((tag & 7) === 1 || (tag & 7) === 5) {
      at += (tag & 7) === 1 ? 8 : 4;
      continue;
    }
    [value, at] = read(bytes, at);
    if (tag === ENDED * 8) return HOW[value];
    if ((tag & 7) === 2) at += value;
  }
};

window.wabenchRuns = {
  whole: 0,
  fragment: 0,
  isStill: () => {
    const app = document.querySelector('[data-testid="stApp"]');
    return app && app.dataset.testScriptState === "notRunning" && !document.querySelector('[data-stale="true"]');
  },
};

window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      const how = data instanceof ArrayBuffer && ended(new Uint8Array(data));
      if (how) setTimeout(() => (window.wabenchRuns[how] += 1), 0);
    });
  }
};
