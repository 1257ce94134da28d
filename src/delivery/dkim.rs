//! DKIM (RFC 6376, RFC 8463): what a receiver can check a mail's origin with, for shops whose relay does not sign.
//!
//! Both parts are made `relaxed`, and every header named is signed once more than it is there, so that nobody can add a second one.
//! There is no time in a signature: a mail that is sent again is the same mail, byte for byte.

use super::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The headers that are signed, as they are written in a mail.
const SIGNED: [&str; 11] = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "MIME-Version",
    "Content-Type",
];

/// Base64 on one line of a header.
const WIDTH: usize = 72;

/// One key of one domain. Several may sign the same mail.
pub struct Signer {
    domain: String,
    selector: String,
    key: SigningKey,
}

enum SigningKey {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl std::fmt::Debug for Signer {
    /// The key stays out of it.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Signer").field("domain", &self.domain).field("selector", &self.selector).finish_non_exhaustive()
    }
}

impl Signer {
    /// Takes a private key in PEM: RSA of 2,048 to 4,096 bits (`PRIVATE KEY` or `RSA PRIVATE KEY`) or Ed25519 (`PRIVATE KEY`).
    ///
    /// # Errors
    /// It is no such key. What it holds is never repeated.
    pub fn new(pem: &SecretString, domain: &str, selector: &str) -> Result<Self, Error> {
        let failed = |why| Error::DkimKey { domain: domain.to_owned(), selector: selector.to_owned(), why };
        let key = parse(pem.expose_secret()).map_err(failed)?;
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), key })
    }

    /// How the DNS names the kind of key, and the public half: PKCS #1 for RSA, 32 bytes for Ed25519. A record may hold the first
    /// behind a head of its own (SubjectPublicKeyInfo).
    pub fn public(&self) -> Option<(&'static str, Vec<u8>)> {
        Some(match &self.key {
            SigningKey::Rsa(pair) => ("rsa", pair.public().as_ref().to_vec()),
            SigningKey::Ed25519(pair) => ("ed25519", pair.public_key().as_ref().to_vec()),
        })
    }

    /// The domain and the selector under which the DNS has the public half.
    pub fn place(&self) -> (&str, &str) {
        (&self.domain, &self.selector)
    }

    /// The header that is put before a finished mail, with its line end.
    ///
    /// `None` where the system has no random numbers, with which RSA hides its computation.
    pub fn header(&self, mail: &[u8]) -> Option<String> {
        let (head, body) = split(mail);
        let headers = headers(head);
        let mut named = String::new();
        let mut hashed = String::new();
        for name in SIGNED {
            for header in headers.iter().rev().filter(|header| header.name.eq_ignore_ascii_case(name)) {
                push_name(&mut named, name);
                hashed.push_str(&header.relaxed());
                hashed.push_str("\r\n");
            }
            push_name(&mut named, name);
        }
        let body_hash = STANDARD.encode(Sha256::digest(relaxed_body(body)));
        let unsigned = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed; d={}; s={};\r\n h={named};\r\n bh={body_hash};\r\n b=",
            self.key.algorithm(),
            self.domain,
            self.selector,
        );
        let own = unsigned.split_once(':').map(|(name, value)| Header { name, value });
        hashed.push_str(&own.map(|own| own.relaxed()).unwrap_or_default());
        let signature = STANDARD.encode(self.key.sign(hashed.as_bytes())?);
        Some(format!("{unsigned}{}\r\n", fold(&signature)))
    }
}

impl SigningKey {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa-sha256",
            Self::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// RSA signs the hash by itself; Ed25519 is given the hash as its message (RFC 8463 §3).
    fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature);
                signed.ok().map(|()| signature)
            }
            Self::Ed25519(pair) => Some(pair.sign(&Sha256::digest(text)).as_ref().to_vec()),
        }
    }
}

/// The key in a PEM text; the words say what is wrong.
fn parse(text: &str) -> Result<SigningKey, &'static str> {
    const NONE: &str = "it holds no private key in PEM; make one with `openssl genrsa 2048` or `openssl genpkey -algorithm ed25519`";
    const UNUSABLE: &str = "its key is neither RSA of 2,048 to 4,096 bits nor Ed25519";
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(NONE)?;
    let (kind, rest) = rest.split_once("-----").ok_or(NONE)?;
    let (inner, _) = rest.split_once("-----END ").ok_or(NONE)?;
    let inner: String = inner.split_ascii_whitespace().collect();
    let der = STANDARD.decode(inner).map_err(|_| "its base64 is damaged")?;
    match kind {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).map(Box::new).map(SigningKey::Rsa).map_err(|_| UNUSABLE),
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der)
            .map(Box::new)
            .map(SigningKey::Rsa)
            .or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Box::new).map(SigningKey::Ed25519))
            .map_err(|_| UNUSABLE),
        "ENCRYPTED PRIVATE KEY" => Err("its key is encrypted; nobody is there to type a password when mails are sent"),
        _ => Err(NONE),
    }
}

/// A header as it stands in the mail, folds included.
struct Header<'a> {
    name: &'a str,
    value: &'a str,
}

impl Header<'_> {
    /// RFC 6376 §3.4.2, without the line end.
    fn relaxed(&self) -> String {
        let mut out = self.name.trim_end().to_ascii_lowercase();
        out.push(':');
        let start = out.len();
        for word in self.value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()) {
            if out.len() > start {
                out.push(' ');
            }
            out.push_str(word);
        }
        out
    }
}

/// The head with the line end of its last header, and the body.
fn split(mail: &[u8]) -> (&[u8], &[u8]) {
    let end = mail.windows(4).position(|four| four == b"\r\n\r\n");
    end.map_or((mail, &[]), |end| (mail.get(..end + 2).unwrap_or_default(), mail.get(end + 4..).unwrap_or_default()))
}

/// Our own heads are ASCII, so nothing is lost where something else is left out.
fn headers(head: &[u8]) -> Vec<Header<'_>> {
    let text = std::str::from_utf8(head).unwrap_or_default();
    let mut found = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices("\r\n") {
        let is_folded = text.get(at + 2..).is_some_and(|next| next.starts_with([' ', '\t']));
        if !is_folded {
            let whole = text.get(start..at).unwrap_or_default();
            found.extend(whole.split_once(':').map(|(name, value)| Header { name, value }));
            start = at + 2;
        }
    }
    found
}

/// RFC 6376 §3.4.4: blanks at line ends go, runs of blanks become one, empty lines at the end go.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut empty = 0;
    let mut rest = body;
    while !rest.is_empty() {
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let (line, after) =
            end.map_or((rest, &[][..]), |end| (rest.get(..end).unwrap_or_default(), rest.get(end + 2..).unwrap_or_default()));
        rest = after;
        let mut words = line.split(|byte| matches!(byte, b' ' | b'\t')).peekable();
        let mut relaxed = Vec::with_capacity(line.len());
        while let Some(word) = words.next() {
            relaxed.extend_from_slice(word);
            // A run of blanks is several empty words; only the last of them makes a blank.
            if words.peek().is_some_and(|next| !next.is_empty()) {
                relaxed.push(b' ');
            }
        }
        if relaxed.is_empty() {
            empty += 1;
            continue;
        }
        for _ in 0..empty {
            out.extend_from_slice(b"\r\n");
        }
        empty = 0;
        out.extend_from_slice(&relaxed);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Names are joined with colons, a few on each line.
fn push_name(named: &mut String, name: &str) {
    if !named.is_empty() {
        named.push(':');
        let last = named.rsplit('\n').next().unwrap_or_default().len();
        if last + name.len() > WIDTH {
            named.push_str("\r\n ");
        }
    }
    named.push_str(name);
}

fn fold(base64: &str) -> String {
    let mut out = String::with_capacity(base64.len() + base64.len() / WIDTH * 3);
    let mut rest = base64;
    while rest.len() > WIDTH {
        let (line, after) = rest.split_at(WIDTH);
        out.push_str(line);
        out.push_str("\r\n ");
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ED25519, KeyPair, UnparsedPublicKey};

    const MAIL: &str = "From: =?utf-8?B?44Gk?= <hello@tsubaki.example>\r\nTo: <a@b.example>\r\nSubject: one\r\n two\r\nDate: Tue, 1 Dec 2026 10:07:00 +0900\r\n\
        Message-ID: <1@tsubaki.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nhello \t world \r\n\r\n\r\n";

    /// The example of RFC 6376 §3.4.5.
    #[test]
    fn blanks_are_relaxed_as_the_rfc_shows() {
        let head = b"A: X\r\nB : Y\t\r\n\tZ  \r\n";
        let relaxed: Vec<String> = headers(head).iter().map(Header::relaxed).collect();
        assert_eq!(relaxed, ["a:X", "b:Y Z"]);
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        assert_eq!(relaxed_body(b""), b"");
        assert_eq!(relaxed_body(b"\r\n\r\n"), b"");
        assert_eq!(relaxed_body(b"a\r\n\r\n \t\r\nb"), b"a\r\n\r\n\r\nb\r\n");
    }

    fn signer() -> Signer {
        let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
        Signer::new(&SecretString::from(pem), "tsubaki.example", "s1").unwrap()
    }

    /// What the header says the signature is of, put together from its tags by this test's own reading of them.
    fn signed_text(header: &str, mail: &str) -> (Vec<u8>, Vec<u8>) {
        let plain = header.replace("\r\n", "").replace(' ', "");
        let tag = |name: &str| plain.split(';').find_map(|tag| tag.strip_prefix(name)).unwrap().to_owned();
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ");
        let mut lines: Vec<&str> = head.split("\r\n").collect();
        let mut text = String::new();
        for name in tag("h=").split(':') {
            let is_it = |line: &&str| line.split(':').next().unwrap().eq_ignore_ascii_case(name);
            if let Some(at) = lines.iter().rposition(is_it) {
                let (name, value) = lines.remove(at).split_once(':').unwrap();
                text.push_str(&format!("{}:{}\r\n", name.to_lowercase(), value.trim()));
            }
        }
        let (own, _) = header.split_once(" b=").unwrap();
        text.push_str(&format!("dkim-signature:{} b=", own.split_once(": ").unwrap().1.replace("\r\n ", " ").replace("\r\n", "")));
        (text.into_bytes(), STANDARD.decode(tag("b=")).unwrap())
    }

    #[test]
    fn a_signature_holds_for_its_mail_and_for_no_other() {
        let signer = signer();
        let SigningKey::Ed25519(pair) = &signer.key else { panic!("another kind of key") };
        let header = signer.header(MAIL.as_bytes()).unwrap();
        assert_eq!(header, signer.header(MAIL.as_bytes()).unwrap(), "the same mail, the same bytes");
        assert!(header.ends_with("\r\n") && header.split("\r\n").all(|line| line.len() < 100), "{header}");
        assert!(header.contains("h=From:From:To:To:Reply-To:Subject:Subject:"), "{header}");
        let body = STANDARD.encode(Sha256::digest("hello world\r\n"));
        assert!(header.contains(&format!("bh={body};")), "{header}");
        let holds = |mail: &str| {
            let (text, signature) = signed_text(&header, mail);
            UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref()).verify(&Sha256::digest(&text), &signature).is_ok()
        };
        assert!(holds(MAIL), "{header}");
        assert!(!holds(&MAIL.replace("Subject: one", "Subject: won")));
        assert!(!holds(&MAIL.replace("To: <a", "To: <b")));
        assert!(!holds(&format!("Subject: another\r\n{MAIL}")), "a header that is added");
        assert!(!holds(&format!("Reply-To: <me@evil.example>\r\n{MAIL}")), "a header that is missing is signed too");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        let short = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        for (pem, words) in [
            ("s3cret", "no private key"),
            (short, "neither RSA"),
            ("-----BEGIN PRIVATE KEY-----\ns3cret!\n-----END PRIVATE KEY-----", "damaged"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----", "encrypted"),
            ("-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----", "no private key"),
        ] {
            let told = Signer::new(&SecretString::from(pem), "tsubaki.example", "s1").unwrap_err().to_string();
            assert!(told.contains(words) && told.contains("s1._domainkey.tsubaki.example"), "{told}");
            assert!(!told.contains("s3cret") && !told.contains("c2Vj"), "{told}");
        }
    }
}
