// Whether somebody speaks, heard from a stream.

const OFTEN = 150; // milliseconds
const LOUD = 0.02; // of 1: a voice, and not a quiet room
const LINGERS = 800; // milliseconds between two words

/** @type {AudioContext | null} */
let audio = null;

/**
 * @param {MediaStream} stream
 * @param {(speaks: boolean) => void} tell at every change
 * @returns {() => void} stops
 */
export function speaking(stream, tell) {
  audio ??= new AudioContext();
  void audio.resume();
  const source = audio.createMediaStreamSource(stream);
  const ear = audio.createAnalyser();
  ear.fftSize = 512;
  source.connect(ear);
  const samples = new Float32Array(ear.fftSize);
  let [until, speaks] = [0, false];
  const timer = setInterval(() => {
    ear.getFloatTimeDomainData(samples);
    const loud = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length) > LOUD;
    if (loud) until = Date.now() + LINGERS;
    if (speaks !== (speaks = Date.now() < until)) tell(speaks);
  }, OFTEN);
  return () => {
    clearInterval(timer);
    source.disconnect();
    if (speaks) tell(false);
  };
}
