// @ts-check
// Files that are dropped on a page or chosen by an input, with the paths that they have below what was dropped.

/** @typedef {{path: string, file: File}} Found */

/**
 * Returns the files of a drop; of directories, all that is within them.
 * @param {DataTransfer} transfer
 * @returns {Promise<Found[]>}
 */
export async function dropped(transfer) {
  // The list of items is empty once the event is over, so that all is taken before the first wait.
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const taken = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  /** @type {Found[]} */
  const found = [];
  for (const { entry, file } of taken) {
    if (entry) await walk(entry, "", found);
    // What is of no file system, as a picture of another page, has no entry.
    else if (file) found.push({ path: file.name, file });
  }
  return found;
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} above
 * @param {Found[]} found
 */
async function walk(entry, above, found) {
  const path = above + entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
    found.push({ path, file });
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) {
    // Each call returns a part; an empty one is the end.
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return;
    for (const child of part) await walk(child, `${path}/`, found);
  }
}

/**
 * Returns the files that an input has.
 * @param {HTMLInputElement} input
 * @returns {Found[]}
 */
export function chosen(input) {
  return [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}
