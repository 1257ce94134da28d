"""What rankmail signs is read by two verifiers that share no code with it: dkimpy and opendkim. Each mail is also changed, and must fail then."""

import base64
import logging
import pathlib
import subprocess
import sys

import dkim
from aiosmtpd.controller import Controller

import shop
from postfix import free_port, run

AS_OF, MAILS = "2026-12-01", 60
QUIET = logging.getLogger("dkim")
QUIET.setLevel(logging.CRITICAL)
KEYS = {"r1": ("genrsa", "2048"), "e1": ("genpkey", "-algorithm", "ed25519")}


class Store:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope.original_content)
        return "250 taken"


def records(folder):
    """Makes the keys; gives what the DNS would say."""
    found = {}
    for selector, command in KEYS.items():
        path = folder / f"{selector}.pem"
        path.touch(mode=0o600)
        run("openssl", *(command[:1] if selector == "r1" else command), "-out", path, *(command[1:] if selector == "r1" else ()))
        public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        # An Ed25519 record holds the bare 32 bytes (RFC 8463 §4.2), an RSA one the whole structure.
        kind, bare = ("rsa", public) if selector == "r1" else ("ed25519", public[-32:])
        found[f"{selector}._domainkey.tsubaki.example"] = f"v=DKIM1; k={kind}; p={base64.b64encode(bare).decode()}"
    return found


def by_dkimpy(mail, dns, index):
    def answer(name, timeout=5):
        return dns.get(name.decode().rstrip("."), "").encode()

    try:
        return dkim.DKIM(mail, logger=QUIET).verify(idx=index, dnsfunc=answer)
    except dkim.DKIMException:
        return False


def spoil(mail):
    """The same mail with one thing changed each."""
    head, body = mail.split(b"\r\n\r\n", 1)
    yield "body", head + b"\r\n\r\n" + body.replace(b"-", b"_", 1)
    yield "subject", mail.replace(b"\r\nSubject: ", b"\r\nSubject: x", 1)
    yield "second From", b"From: <other@evil.example>\r\n" + mail
    yield "second opt-out", mail.replace(b"\r\nDate: ", b"\r\nList-Unsubscribe: <https://evil.example/>\r\nDate: ", 1)
    yield "Reply-To", b"Reply-To: <other@evil.example>\r\n" + mail


def by_opendkim(mail, dns, folder):
    """opendkim looks at the first signature that it can read."""
    (folder / "dns").write_text("".join(f"{name} {text}\n" for name, text in dns.items()))
    (folder / "opendkim.conf").write_text(f"Mode v\nTestDNSData file:{folder}/dns\nBackground no\n")
    (folder / "mail.eml").write_bytes(mail)
    command = ["/usr/sbin/opendkim", "-x", folder / "opendkim.conf", "-t", folder / "mail.eml"]
    told = subprocess.run(command, capture_output=True, text=True)
    return told.returncode == 0 and "succeeded" in told.stdout


def main():
    with shop.temp() as name:
        folder = pathlib.Path(name)
        dns = records(folder)
        keys = ", ".join(f'{{ selector = "{selector}", key_file = "{folder}/{selector}.pem" }}' for selector in KEYS)
        path = shop.job_in(folder)
        path.write_text(path.read_text() + f"\n[mail.smtp]\ndkim = [{keys}]\n")
        store = Store()
        server = Controller(store, hostname="127.0.0.1", port=free_port())
        server.start()
        common = (path, "--as-of", AS_OF, "--runs", folder / "runs")
        shop.rankmail("plan", *common)
        shop.rankmail("send", *common, "--limit", MAILS, "--smtp", f"smtp://127.0.0.1:{server.port}")
        server.stop()
        faults = []
        for mail in store.mails:
            faults += [f"dkimpy refuses signature {index}" for index in range(len(KEYS)) if not by_dkimpy(mail, dns, index)]
            faults += ["opendkim refuses"] * (not by_opendkim(mail, dns, folder))
            for what, changed in spoil(mail):
                faults += [f"dkimpy takes a changed {what}"] * any(by_dkimpy(changed, dns, index) for index in range(len(KEYS)))
            # One is enough of a program that starts anew for each.
            if mail is store.mails[0]:
                faults += [f"opendkim takes a changed {what}" for what, changed in spoil(mail) if by_opendkim(changed, dns, folder)]
    print(f"{len(store.mails)} mails with {len(KEYS)} signatures each, read by dkimpy and opendkim, and changed in 5 ways: {len(faults)} wrong")
    if faults or len(store.mails) != MAILS:
        sys.exit(f"{faults[:5]}")


if __name__ == "__main__":
    main()
