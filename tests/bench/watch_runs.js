// Counts the runs of the app's script as the page tells them, from the first on.
window.wabenchRuns = {
  done: 0,
  isStill: () => {
    const app = document.querySelector('[data-testid="stApp"]');
    return app && app.dataset.testScriptState === "notRunning" && !document.querySelector('[data-stale="true"]');
  },
};
let before = "";
new MutationObserver(() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const now = app ? app.dataset.testScriptState : "";
  if (now === "notRunning" && before === "running") window.wabenchRuns.done += 1;
  before = now;
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-test-script-state"] });
