// A picture file from the disk, the clipboard or a drop.

const MOST_BYTES = 70 * 2 ** 20; // in base64 just below what the server takes

const BEGINNINGS = [
  [0x89, 0x50, 0x4e, 0x47], // PNG
  [0xff, 0xd8, 0xff], // JPEG
  [0x47, 0x49, 0x46, 0x38], // GIF
  [0x42, 0x4d], // BMP
];

// Why a file cannot be sent, as a sentence; nothing if it can.
export async function whyNot(file) {
  if (file.size > MOST_BYTES) return `${file.name} is too large: more than ${MOST_BYTES / 2 ** 20} MB.`;
  let bytes;
  try {
    bytes = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  } catch {
    return `${file.name} cannot be read.`;
  }
  const isPicture = BEGINNINGS.some((beginning) => beginning.every((byte, index) => bytes[index] === byte));
  return isPicture ? "" : `${file.name} is not a picture: PNG, JPEG, GIF and BMP are understood.`;
}

export function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
