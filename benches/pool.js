// Sends mails of about so many bytes through nodemailer's pool, for wire.py.
// usage: node pool.js PORT MAILS BYTES CONNECTIONS      NODE_PATH names the folder that holds nodemailer

const [port, mails, bytes, connections] = process.argv.slice(2).map(Number);
const transport = require("nodemailer").createTransport({
  pool: true,
  host: "127.0.0.1",
  port,
  ignoreTLS: true,
  maxConnections: connections,
  maxMessages: Infinity,
});
// The text is sent twice, as HTML and as plain text.
const lines = Math.max(bytes - 3000, 0) / 110;

async function letter(number) {
  const words = Array.from({ length: lines }, () => "A line of the letter that is there to be carried.");
  await transport.sendMail({
    from: "The shop <hello@shop.example>",
    to: `c${number}@b.example`,
    subject: `A letter to c${number}`,
    text: words.join("\n\n"),
    html: words.map((line) => `<p>${line}</p>`).join("\n"),
  });
}

async function main() {
  let next = 0;
  const work = async () => {
    while (next < mails) await letter(next++);
  };
  // Twice as many as there are connections, so that none of them waits for the next mail.
  await Promise.all(Array.from({ length: connections * 2 }, work));
  transport.close();
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
