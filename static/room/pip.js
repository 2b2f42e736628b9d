// The other's picture in a small window above all others.

/** @param {HTMLVideoElement} video */
export const canFloat = (video) => !!document.pictureInPictureEnabled && !video.disablePictureInPicture;

/**
 * Out of the page, or back into it.
 * @param {HTMLVideoElement} video one that plays
 * @returns {Promise<boolean>} whether it floats now
 */
export async function float(video) {
  try {
    if (document.pictureInPictureElement === video) await document.exitPictureInPicture();
    else await video.requestPictureInPicture();
  } catch {
    // no picture yet, or not by a touch: it stays where it is
  }
  return document.pictureInPictureElement === video;
}
