// Captions of one's own words, recognised on this device itself, or not at all: nothing that is said leaves for a third party.

/** Whether they can be had here for a language ("fr", "en"). @param {string} language @returns {Promise<boolean>} */
export async function captionable(language) {
  void language;
  return false;
}

export class Captions {
  /**
   * @param {string} language
   * @param {(text: string, final: boolean) => void} said such as `(text, final) => call.say(text, final)`
   */
  constructor(language, said) {
    this.language = language;
    this.said = said;
  }

  /** @param {MediaStreamTrack} track the microphone's */
  start(track) {
    void track;
  }

  stop() {}
}
