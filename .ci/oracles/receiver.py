"""A receiving mail server in a process of its own, which shares no code with the program.

It writes down each mail that it takes, synced to the disk, before it answers, and misbehaves as it is told. A recipient `STAGE-ACTION-…@…`
(a sender at `mail`) gets that action at `mail`, `rcpt`, `data`, `text` or `dot`; MANNERS, a JSON file that is read for each connection, has
the actions that everybody gets: `greeting`, `ehlo`, `starttls`, `auth`, `offers`, `nap` (seconds before each answer to a dot), `cert`, `narrow`.

An action is a code, or `bare` or `lf` behind one; `drop`, `garbage`, `mixed`, `endless`, `stall` (silence; nothing is read), `crawl` (a byte in
ten seconds), `CODEdrop` (a mail is taken, the answer is not sent).
"""

import collections
import contextlib
import email
import email.policy
import hashlib
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import time

Taken = collections.namedtuple("Taken", "mail recipient at canaries hash")
SILENCE = 600


class Gone(Exception):
    """The talk is over."""


class Talk:
    def __init__(self, peer, manners, log):
        self.peer, self.manners, self.log = peer, manners, log
        self.lines = peer.makefile("rb")
        self.secure = False

    def act(self, action):
        if action == "stall":
            time.sleep(SILENCE)
        if action in ("drop", "stall") or action.endswith("drop"):
            raise Gone
        if action == "crawl":
            for byte in b"250 I am slow":
                self.peer.sendall(bytes([byte]))
                time.sleep(10)
            raise Gone
        while action == "endless":
            self.peer.sendall(b"2" * 1000)
        code, manner = action[:3], action[3:]
        self.peer.sendall({
            "": f"{code}-words of\r\n{code} the server\r\n", "bare": f"{code}\r\n", "lf": f"{code} ok\n",
        }.get(manner, {"garbage": "what do you want?\r\n", "mixed": "250-yes\r\n550 no\r\n"}.get(action, "")).encode())

    def asked(self, address, stage, usual):
        """The action that an address asks for at a stage."""
        words = address.split("@")[0].split("-")
        return words[1] if words[0] == stage and len(words) > 1 else self.manners.get(stage, usual)

    def read(self):
        line = self.lines.readline(4_000)
        if not line:
            raise Gone
        if not re.fullmatch(rb"[^\r\n\0]{0,998}\r\n", line):
            self.log.offence(line)
        return line

    def hello(self):
        action = self.manners.get("ehlo", "250")
        offers = list(self.manners.get("offers", ()))
        if self.manners.get("cert") and not self.secure:
            offers.append("STARTTLS")
        if action != "250":
            return self.act(action)
        lines = ["receiver", *offers]
        self.peer.sendall("".join(f"250{'-' if number < len(lines) else ' '}{line}\r\n" for number, line in enumerate(lines, 1)).encode())

    def starttls(self):
        action = self.manners.get("starttls", "220")
        self.act(action)
        if action == "220":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.manners["cert"])
            try:
                self.peer = context.wrap_socket(self.peer, server_side=True)
            except OSError as error:
                raise Gone from error
            self.lines, self.secure = self.peer.makefile("rb"), True

    def go_on(self):
        sender = recipient = ""
        refused = False
        self.act(self.manners.get("greeting", "220"))
        while True:
            line = self.read()
            verb = line[:4].upper()
            named = re.search(rb"<(.*)>", line)
            if verb in (b"EHLO", b"HELO"):
                self.hello()
            elif verb == b"STAR":
                self.starttls()
            elif verb == b"AUTH":
                self.act(self.manners.get("auth", "235"))
            elif verb == b"MAIL":
                sender, refused = named[1].decode(), False
                self.log.heard(sender)
                action = self.asked(sender, "mail", "250")
                refused = action[:1] in "45"
                self.act(action)
            elif verb == b"RCPT" and not refused:
                recipient = named[1].decode()
                action = self.asked(recipient, "rcpt", "250")
                refused = action[:1] in "45"
                self.act(action)
            elif verb == b"DATA" and not refused:
                action = self.asked(recipient, "data", "354")
                self.act(action)
                if action.startswith("354"):
                    self.text(recipient)
            elif verb in (b"RCPT", b"DATA"):
                self.act("503")
            elif verb == b"RSET":
                refused = False
                self.act("250")
            elif verb == b"*\r\n":
                self.act("501")
            elif verb == b"QUIT":
                return self.act("221")
            else:
                self.log.offence(line)
                self.act("500")

    def text(self, recipient):
        action = self.asked(recipient, "text", "")
        if action:
            self.act(action)
        text = []
        while (line := self.read()) != b".\r\n":
            text.append(line.removeprefix(b"."))
        action = self.asked(recipient, "dot", "250")
        if action[:1] not in "45":
            self.log.take(b"".join(text), recipient)
        time.sleep(self.manners.get("nap", 0))
        self.act(action)


class Log:
    """What was seen, each on a line of its own; mails are on the disk before anybody is told."""

    def __init__(self, folder):
        self.lock = threading.Lock()
        self.files = {name: os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for name in ("taken", "calls", "offences", "senders")}

    def write(self, name, line):
        with self.lock:
            os.write(self.files[name], f"{line}\n".encode())

    def call(self):
        self.write("calls", time.time())

    def heard(self, sender):
        self.write("senders", f"{time.time()}\t{sender}")

    def offence(self, line):
        self.write("offences", repr(line[:200]))

    def take(self, raw, recipient):
        message = email.message_from_bytes(raw, policy=email.policy.default)
        parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
        canaries = ",".join(sorted({found for part in parts for found in re.findall(r"canary-(.*?)-end", part)}))
        mail = re.search(r"<([^@>]+)@", message["Message-ID"])[1]
        self.write("taken", f"{mail}\t{recipient}\t{time.time()}\t{canaries}\t{hashlib.sha256(raw).hexdigest()}")
        os.fsync(self.files["taken"])


def serve(folder, port):
    log = Log(folder)

    def talk(connection):
        with contextlib.suppress(OSError, Gone), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talking = Talk(connection, json.loads((folder / "manners").read_text()), log)
            with contextlib.suppress(Gone):
                talking.go_on()
            # The makefile's own hold on the socket would keep it open.
            with contextlib.suppress(OSError):
                talking.peer.shutdown(socket.SHUT_RDWR)

    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if json.loads((folder / "manners").read_text()).get("narrow"):
            # Little room at both ends, so that a text cannot leave while nobody reads it: a sender's room grows with its segments.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        server.bind(("127.0.0.1", port))
        server.listen(100)
        print(server.getsockname()[1], flush=True)
        while True:
            connection = server.accept()[0]
            log.call()
            threading.Thread(target=talk, args=(connection,), daemon=True).start()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def certificate(folder, name):
    """An authority of its own, and a server's certificate for a name or an address by it."""
    quiet = {"check": True, "capture_output": True}
    new = ["-days", "2", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run(["openssl", "req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ours", "-addext",
                    "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"], cwd=folder, **quiet)
    subprocess.run(["openssl", "req", *new[2:], "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=server"], cwd=folder, **quiet)
    kind = "IP" if name[0].isdigit() else "DNS"
    (folder / "names").write_text(f"subjectAltName={kind}:{name}\nbasicConstraints=CA:FALSE\n")
    subprocess.run(["openssl", "x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                    "-extfile", "names", "-out", "cert.pem"], cwd=folder, **quiet)
    return [str(folder / "cert.pem"), str(folder / "key.pem")]


class Receiver:
    """Starts with `with`; `folder` is made, and keeps what was seen."""

    def __init__(self, folder, **manners):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.behave(**manners)

    def behave(self, **manners):
        """Holds for connections that are made from now on."""
        new = self.folder / "manners.new"
        new.write_text(json.dumps(manners))
        new.rename(self.folder / "manners")

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, __file__, self.folder, "0"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"smtp://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def again(self, **manners):
        """Dies with all its connections, and comes back at the same place."""
        self.behave(**manners)
        self.__exit__()
        self.process = subprocess.Popen([sys.executable, __file__, self.folder, str(self.port)], stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def lines(self, name):
        path = self.folder / name
        # What is being written at this moment is no line yet.
        whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
        return [line.split("\t") for line in whole.splitlines()]

    def taken(self):
        return [Taken(mail, to, float(at), canaries, digest) for mail, to, at, canaries, digest in self.lines("taken")]

    def calls(self):
        return [float(at) for at, in self.lines("calls")]


if __name__ == "__main__":
    serve(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
