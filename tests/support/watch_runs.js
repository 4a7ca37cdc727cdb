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

// What is drawn takes its time after the run, so a page stands still only once nothing in it has changed for a while.
window.wabenchRuns = {
  whole: 0,
  fragment: 0,
  pressed: 0,
  drawn: 0,
  isStill: (milliseconds) => {
    const app = document.querySelector('[data-testid="stApp"]');
    const isDone = app && app.dataset.testScriptState === "notRunning";
    const isWhole = !document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]');
    return isDone && isWhole && performance.now() - window.wabenchRuns.drawn > milliseconds;
  },
};
addEventListener("pointerdown", () => (window.wabenchRuns.pressed = performance.now()), { capture: true });
new MutationObserver(() => (window.wabenchRuns.drawn = performance.now())).observe(document, {
  subtree: true,
  childList: true,
  characterData: true,
  attributes: true,
});

window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      const how = data instanceof ArrayBuffer && ended(new Uint8Array(data));
      if (how) setTimeout(() => (window.wabenchRuns[how] += 1), 0);
    });
  }
};
