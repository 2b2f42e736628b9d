// Files: by the button, pasted, or dropped; each tells how far it is, and can be tried again. Fetched with a conversation.

import { element, filled, icon, sizeOf } from "../shared/text.js";
import { upload } from "../shared/upload.js";
import { given, the, words } from "./page.js";

/**
 * @typedef {import("../shared/ask.js").Refusal} Refusal
 * @typedef {{ file: string, name: string, type: string, size: number }} Sent
 * @typedef {(c: string, file: File, progress: (part: number) => void, options: { signal: AbortSignal }) => Promise<Sent>} Send
 */

/** @type {Send} */
const asCustomer = (c, file, progress, options) => upload(`/chat/conversations/${c}/files`, file, progress, options);

export class Files {
  /**
   * @param {() => string} conversation where they go; "" while there is none
   * @param {(c: string, sent: Sent) => void} sent
   * @param {(wrong: string) => void} complain
   * @param {Send} send
   */
  constructor(conversation, sent, complain, send = asCustomer) {
    this.conversation = conversation;
    this.sent = sent;
    this.complain = complain;
    this.send = send;
    const [input, frame] = [the("files"), the("chat")];
    the("attach").addEventListener("click", () => this.conversation() && input.click());
    input.addEventListener("change", () => {
      this.#take(input.files);
      input.value = "";
    });
    the("message").addEventListener("paste", (/** @type {ClipboardEvent} */ event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      this.#take(event.clipboardData.files);
    });
    for (const name of ["dragenter", "dragover", "drop"]) {
      frame.addEventListener(name, (/** @type {DragEvent} */ event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        the("drop").hidden = name === "drop";
      });
    }
    frame.addEventListener("dragleave", (/** @type {DragEvent} */ event) => {
      if (!frame.contains(event.relatedTarget)) the("drop").hidden = true;
    });
    frame.addEventListener("drop", (/** @type {DragEvent} */ event) => this.#take(event.dataTransfer?.files ?? null));
  }

  /** @param {FileList | null} files */
  #take(files) {
    const c = this.conversation();
    if (!files?.length || !c) return;
    const most = Number(given.most);
    for (const file of files) {
      if (file.size > most) this.complain(filled(words.too_large, { name: file.name, size: sizeOf(most) }));
      else this.#row(c, file);
    }
  }

  /**
   * @param {string} c
   * @param {File} file
   */
  #row(c, file) {
    const progress = element("progress", { max: "1", value: "0", "aria-label": filled(words.uploading, { name: file.name }) });
    const cancel = element("button", { type: "button", class: "dots", "aria-label": `${words.discard}: ${file.name}` }, icon("close"));
    const row = element("li", {}, element("span", {}, file.name), cancel, progress);
    const stopped = new AbortController();
    const gone = () => {
      row.remove();
      the("uploads").hidden = !the("uploads").childElementCount;
    };
    cancel.addEventListener("click", () => {
      stopped.abort();
      gone();
      the("message").focus();
    });
    the("uploads").append(row);
    the("uploads").hidden = false;
    const options = { signal: stopped.signal };
    this.send(c, file, (part) => (progress.value = part), options).then(
      (sent) => {
        gone();
        this.sent(c, sent);
      },
      (/** @type {Refusal} */ refusal) => {
        if (stopped.signal.aborted) return;
        const why = Object.values(refusal.errors)[0] ?? (refusal.status === 413 ? filled(words.too_large, { name: file.name, size: sizeOf(Number(given.most)) }) : "");
        const again = element("button", { type: "button", class: "link" }, words.retry ?? "");
        again.addEventListener("click", () => {
          gone();
          this.#row(c, file);
        });
        const said = element("span", { class: "bad", role: "alert" }, why || filled(words.upload_failed, { name: file.name }));
        row.replaceChildren(said, element("span", {}, ...(refusal.passes ? [again] : []), cancel));
      },
    );
  }
}
