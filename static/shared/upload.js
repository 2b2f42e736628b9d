// A file on its way to the server.

import { Refusal, carried, here } from "./ask.js";

/**
 * Send a file, telling how much of it has gone.
 * @param {string} address
 * @param {File} file
 * @param {(part: number) => void} progress from 0 to 1
 * @param {{ headers?: Record<string, string>, signal?: AbortSignal }} [options]
 * @returns {Promise<{ file: string, name: string, type: string, size: number }>}
 */
export function upload(address, file, progress, { headers = {}, signal } = {}) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
    request.open("POST", here(address));
    request.responseType = "json";
    for (const [name, value] of Object.entries({ Accept: "application/json", ...carried, ...headers })) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => {
      if (request.status === 201) return done(request.response);
      fail(new Refusal(request.status, request.response ?? {}, Number(request.getResponseHeader("Retry-After")) || undefined));
    };
    request.onerror = request.onabort = () => fail(new Refusal(0, {}));
    signal?.addEventListener("abort", () => request.abort());
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}
