// Captions of one's own words, recognised on this device itself, or not at all: nothing that is said leaves for a third party.
// They go to the other browser over the connection between the two, past the server.

const TONGUES = /** @type {Record<string, string>} */ ({ en: "en-US", fr: "fr-FR" });
const PAUSE = 500; // milliseconds before it listens again after it has stopped by itself

/** @returns {any} a class of the browser's, where it has one */
const recogniser = () => /** @type {any} */ (globalThis).SpeechRecognition;

/**
 * Whether they can be had here for a language.
 * @param {string} language "en" or "fr"
 * @returns {Promise<boolean>}
 */
export async function captionable(language) {
  try {
    const tongue = TONGUES[language];
    return !!tongue && (await recogniser().available({ langs: [tongue], processLocally: true })) === "available";
  } catch {
    return false; // a browser that recognises nothing, or only on somebody's servers
  }
}

export class Captions {
  /** @type {any} */ #listening = null;
  /** @type {MediaStreamTrack | null} */ #track = null;

  /**
   * @param {string} language
   * @param {(text: string, final: boolean) => void} said such as `(text, final) => call.say(text, final)`
   */
  constructor(language, said) {
    this.language = language;
    this.said = said;
  }

  /** @param {MediaStreamTrack} track the microphone's; muted, it says nothing */
  start(track) {
    this.stop();
    this.#track = track;
    this.#listen();
  }

  stop() {
    this.#track = null;
    this.#listening?.abort();
    this.#listening = null;
  }

  #listen() {
    if (!this.#track || this.#track.readyState === "ended") return;
    const one = (this.#listening = new (recogniser())());
    Object.assign(one, { lang: TONGUES[this.language], continuous: true, interimResults: true, processLocally: true });
    one.onresult = (/** @type {any} */ { results, resultIndex }) => {
      for (const result of [...results].slice(resultIndex)) this.said(result[0].transcript.trim(), result.isFinal);
    };
    one.onend = () => {
      if (one === this.#listening) setTimeout(() => one === this.#listening && this.#listen(), PAUSE);
    };
    one.start(this.#track);
  }
}
