// What the widget draws, with a pen on a grid of 24, as templates/icons.html does.

/** @type {Record<import("./presence").What, string>} */
export const drawings = {
  chat: "M4 5h16v11.5H9.5L5 20v-3.5H4zM8 9.5h8M8 12.5h5",
  audio: "M6 3h3l2 5-2.5 1.5a11 11 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z",
  video: "M5.5 6h7A2.5 2.5 0 0 1 15 8.5v7a2.5 2.5 0 0 1-2.5 2.5h-7A2.5 2.5 0 0 1 3 15.5v-7A2.5 2.5 0 0 1 5.5 6zM15 10.5l6-3v9l-6-3z",
  book: "M6 5h12a2.5 2.5 0 0 1 2.5 2.5V18a2.5 2.5 0 0 1-2.5 2.5H6A2.5 2.5 0 0 1 3.5 18V7.5A2.5 2.5 0 0 1 6 5zM3.5 10h17M8 3v4M16 3v4",
  experts: "M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM4.5 20.5c.6-4 3.6-6 7.5-6s6.9 2 7.5 6",
};

export const CLOSE = "m6 6 12 12M18 6 6 18";
