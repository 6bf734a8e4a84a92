// Uploads a file by tus-js-client, which breaks off after the first piece and goes on, by tus and by the draft of the HTTP working group.
// Called as `tus_upload.cjs URL TOKEN FILE`; prints the targets as JSON.

const fs = require('node:fs');
const tus = require('tus-js-client');

const [endpoint, token, path] = process.argv.slice(2);

function upload(protocol, endpoint, uploadUrl) {
  return new Promise((resolve, reject) => {
    let isBroken = uploadUrl !== null;
    const running = new tus.Upload(fs.readFileSync(path), {
      endpoint,
      uploadUrl,
      protocol,
      headers: { Authorization: `Bearer ${token}` },
      metadata: { filename: 'from-javascript.bin' },
      uploadSize: fs.statSync(path).size,
      chunkSize: 1_000_000,
      onError: reject,
      onSuccess: () => resolve(running.url),
      onChunkComplete: async () => {
        if (isBroken) return;
        isBroken = true;
        await running.abort();
        resolve(upload(protocol, endpoint, running.url));
      },
    });
    running.start();
  });
}

(async () => {
  const said = {
    tus: await upload('tus-v1', endpoint, null),
    draft: await upload('ietf-draft-05', `${endpoint}?path=by-the-draft.bin`, null),
  };
  console.log(JSON.stringify(said));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
