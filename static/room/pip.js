// The other's picture in a small window above all others.

/** @param {HTMLVideoElement} video */
export const canFloat = (video) => document.pictureInPictureEnabled && !video.disablePictureInPicture;

/** In, or back out. @param {HTMLVideoElement} video @returns {Promise<boolean>} whether it floats now */
export async function float(video) {
  if (document.pictureInPictureElement === video) {
    await document.exitPictureInPicture();
    return false;
  }
  await video.requestPictureInPicture();
  return true;
}
