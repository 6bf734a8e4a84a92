// @ts-check
// The preview of a text: its first KiB, as text and never as anything else.

const BYTES = 1024;
const preview = /** @type {HTMLElement | null} */ (document.querySelector('[data-preview="text"]'));
const text = preview?.querySelector("pre");

if (preview && text) {
  const size = Number(preview.dataset.bytes);
  if (size === 0) text.textContent = "The file is empty.";
  else read(preview.dataset.content ?? "", size);
}

/**
 * @param {string} content
 * @param {number} size
 */
async function read(content, size) {
  if (!text) return;
  try {
    const response = await fetch(content, { credentials: "same-origin", headers: { Range: `bytes=0-${BYTES - 1}` } });
    if (!response.ok) throw new Error((await response.json()).detail);
    const shown = new TextDecoder().decode(await response.arrayBuffer());
    text.textContent = size > BYTES ? `${shown}…` : shown;
  } catch (error) {
    text.textContent = `It cannot be read: ${error instanceof Error ? error.message : error}`;
  }
}
