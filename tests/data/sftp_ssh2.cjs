// One file by ssh2-sftp-client, there or back. NODE_PATH names the directory where it is installed.
//
// usage: node sftp_ssh2.cjs PORT KEY put FROM TO
//        node sftp_ssh2.cjs PORT KEY get FROM TO

const { readFileSync } = require("node:fs");
const Client = require("ssh2-sftp-client");

const [port, key, operation, source, target] = process.argv.slice(2);

async function transfer() {
  const sftp = new Client();
  await sftp.connect({ host: "127.0.0.1", port: Number(port), username: "alice", privateKey: readFileSync(key) });
  try {
    await sftp[operation](source, target);
  } finally {
    await sftp.end();
  }
}

transfer().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
