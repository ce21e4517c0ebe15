// A small JPEG of a picture, for the check beside its thumbnail: the picture itself goes over the line
// once, with the case. Null where this browser can't draw the format (TIFF, HEIC, DICOM).

const SIDE = 1024;
const QUALITY = 0.9;
// What is this small already goes as it is: the check then sees exactly what the model will.
const SMALL_BYTES = 200 * 1024;

async function decode(file) {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(url);
  }
}

function draw(source, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const brush = canvas.getContext("2d", { alpha: false });
  brush.imageSmoothingQuality = "high";
  brush.drawImage(source, 0, 0, width, height);
  return canvas;
}

// By halves, so that every pixel counts: a single step leaves most of them out in some browsers, and
// what is left out looks like sharpness.
function reduce(image, width, height) {
  let [source, from, to] = [image, image.naturalWidth, image.naturalHeight];
  while (from / 2 >= width) {
    from = Math.max(width, Math.round(from / 2));
    to = Math.max(height, Math.round(to / 2));
    source = draw(source, from, to);
  }
  return from === width && source !== image ? source : draw(source, width, height);
}

// {blob, width, height} of the copy's file and the picture's own size, upright.
export async function drawReduced(file) {
  let image;
  try {
    image = await decode(file);
  } catch {
    return null;
  }
  const { naturalWidth: width, naturalHeight: height } = image;
  if (!width || !height) return null;
  const scale = Math.min(1, SIDE / Math.max(width, height));
  if (scale === 1 && file.size <= SMALL_BYTES) return { blob: file, width, height };
  const canvas = reduce(image, Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!blob) return null;
  return { blob: blob.size < file.size ? blob : file, width, height };
}

// SHA-256 of the file as it is, by which the server knows it again; "" where the browser can't.
export async function hashFile(file) {
  if (!window.crypto?.subtle) return "";
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
