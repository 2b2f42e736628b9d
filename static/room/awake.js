// The screen stays on while people talk: phones go dark, and with them the camera.

/** @type {WakeLockSentinel | null} */ let held = null;
let wanted = false;

/** @param {boolean} on */
export function awake(on) {
  if (on === wanted) return;
  wanted = on;
  if (on) document.addEventListener("visibilitychange", hold); // it is let go of whenever the page is hidden
  else document.removeEventListener("visibilitychange", hold);
  void hold();
}

async function hold() {
  if (!wanted) {
    await held?.release();
    held = null;
  } else if (document.visibilityState === "visible") {
    held = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null; // refused when the battery is low
    if (!wanted) await hold();
  }
}
