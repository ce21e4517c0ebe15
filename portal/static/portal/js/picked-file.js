// What tells two chosen files apart: browsers don't promise the same object twice.
export function fileKey(file) {
  return `${file.name}/${file.size}/${file.lastModified}`;
}
