"""A real Postfix of our own: TLS with a certificate of our own authority, SASL, every mail into one Maildir, and honest bounces."""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import time

from aiosmtpd.controller import Controller

NAME = "localhost"
USER, PASSWORD = "mailer", "a pass:word with = signs"
# Mails to these are taken and come back as a delivery report.
BOUNCES = {
    "unknown": "5.1.1 user unknown",
    "full": "5.2.2 mailbox full",
    "blocked": "5.7.1 blocked by policy",
}

SERVICES = """
{port}     inet  n - n - - smtpd
{tls_port} inet  n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup     unix  n - n 60 1 pickup
cleanup    unix  n - n - 0 cleanup
qmgr       unix  n - n 300 1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n - - trivial-rewrite
bounce     unix  - - n - 0 bounce
defer      unix  - - n - 0 bounce
trace      unix  - - n - 0 bounce
verify     unix  - - n - 1 verify
proxymap   unix  - - n - - proxymap
smtp       unix  - - n - - smtp
error      unix  - - n - - error
retry      unix  - - n - - error
virtual    unix  - n n - - virtual
anvil      unix  - - n - 1 anvil
scache     unix  - - n - 1 scache
postlog    unix-dgram n - n - 1 postlogd
"""


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nleft with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Beyond:
    """Refuses each recipient as its name says."""

    async def handle_RCPT(self, server, session, envelope, address, options):
        return f"550 {BOUNCES[address.split('@')[0]]}"


class Postfix:
    """Starts with `with`, and is stopped at its end. `folder` must be reachable by everybody."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port, self.tls_port = free_port(), free_port()
        self.authority = self.folder / "ca.pem"
        self.mails = self.folder / "mail/box"
        # The server of some recipients, which refuses what our Postfix has already taken.
        self.beyond = Controller(Beyond(), hostname="127.0.0.1", port=free_port())

    def certificates(self):
        folder, days = self.folder, ("-days", "2", "-nodes", "-newkey", "rsa:2048")
        run("openssl", "req", "-x509", *days, "-keyout", folder / "ca.key", "-out", self.authority, "-subj", "/CN=our own authority",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        run("openssl", "req", *days[2:], "-keyout", folder / "server.key", "-out", folder / "server.csr", "-subj", f"/CN={NAME}")
        (folder / "names").write_text(f"subjectAltName=DNS:{NAME}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
        run("openssl", "x509", "-req", "-in", folder / "server.csr", "-CA", self.authority, "-CAkey", folder / "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", folder / "names", "-out", folder / "server.pem")

    def settings(self):
        folder, owner = self.folder, pwd.getpwnam("nobody")
        for name in ("etc/sasl", "queue", "data", "mail"):
            (folder / name).mkdir(parents=True)
        shutil.chown(folder / "data", "postfix")
        shutil.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
        (folder / "etc/transport").write_text(f"/^({'|'.join(BOUNCES)})@/ smtp:[127.0.0.1]:{self.beyond.port}\n")
        (folder / "etc/sasl/smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: {folder}/etc/sasl/users\n")
        run("saslpasswd2", "-p", "-c", "-f", folder / "etc/sasl/users", "-u", NAME, USER, input=PASSWORD)
        shutil.chown(folder / "etc/sasl/users", "postfix")
        main = {
            "compatibility_level": "3.6", "queue_directory": folder / "queue", "data_directory": folder / "data",
            "maillog_file": folder / "log", "maillog_file_prefixes": folder, "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
            "myhostname": NAME, "myorigin": NAME, "mydestination": "", "local_recipient_maps": "", "mynetworks": "127.0.0.2/32", "alias_maps": "",
            "virtual_mailbox_domains": "static:all", "virtual_mailbox_maps": "static:box/", "virtual_mailbox_base": folder / "mail",
            "virtual_uid_maps": f"static:{owner.pw_uid}", "virtual_gid_maps": f"static:{owner.pw_gid}", "virtual_mailbox_limit": "0",
            "transport_maps": f"pcre:{folder}/etc/transport", "smtpd_tls_security_level": "may", "smtpd_tls_auth_only": "yes",
            "smtpd_tls_cert_file": folder / "server.pem", "smtpd_tls_key_file": folder / "server.key",
            "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_local_domain": NAME,
            "smtpd_recipient_restrictions": "permit_sasl_authenticated, reject", "smtpd_client_connection_rate_limit": "0",
            "smtpd_peername_lookup": "no", "notify_classes": "",
        }
        (folder / "etc/main.cf").write_text("".join(f"{key} = {value}\n" for key, value in main.items()))
        (folder / "etc/master.cf").write_text(SERVICES.format(port=f"127.0.0.1:{self.port}", tls_port=f"127.0.0.1:{self.tls_port}"))

    def __enter__(self):
        self.beyond.start()
        self.certificates()
        self.settings()
        run("/usr/sbin/postfix", "-c", self.folder / "etc", "start")
        return self

    def __exit__(self, *_):
        subprocess.run(["/usr/sbin/postfix", "-c", str(self.folder / "etc"), "stop"], capture_output=True)
        self.beyond.stop()

    def wait(self, done, seconds=120):
        """Waits until `done` says so; a queue takes its time."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                sys.exit(f"Postfix is not done after {seconds} s:\n{(self.folder / 'log').read_text()[-3000:]}")
            time.sleep(0.2)

    def arrived(self):
        return sorted(path for name in ("new", "cur") for path in (self.mails / name).glob("*"))

    def is_idle(self):
        return not run("/usr/sbin/postqueue", "-c", self.folder / "etc", "-j").strip()
