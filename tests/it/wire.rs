//! TLS, signing in and what else lies between a socket and the first mail, from outside of the program and inside.

use crate::certificates::Authority;
use crate::sink::{Manners, Sink};
use crate::small_shop::{DATE, Shop, finish};
use rankmail::delivery::{Access, Deadlines, Mailer, Smtp, SmtpOptions, target};
use rankmail::domain::State;
use rankmail::domain::delivery::RunTrouble;
use rankmail::domain::job::AuthWay;
use secrecy::SecretString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const SECRET: &str = "correct-horse";

/// A server with a certificate for these names, and the folder in which `ca.pem` is its authority.
fn secure_server(names: &[&str], manners: &Manners) -> (TempDir, Sink) {
    let folder = tempfile::tempdir().unwrap();
    let tls = Some(Authority::new(&folder.path().join("ca.pem")).server(names));
    let sink = Sink::with(folder.path(), Manners { tls, ..manners.clone() });
    (folder, sink)
}

fn access(folder: &Path) -> Access {
    Access { ca_file: Some(folder.join("ca.pem")), password: Some(SecretString::from(SECRET)), ..Access::default() }
}

fn open(url: &str, access: &Access) -> Result<(), RunTrouble> {
    let short = Duration::from_secs(3);
    let deadlines = Deadlines { connect: short, greeting: short, hello: short, ..Deadlines::default() };
    Smtp::new(target(url, false, access).unwrap(), SmtpOptions { deadlines, ..SmtpOptions::default() }).ready()
}

#[track_caller]
fn assert_refused(result: Result<(), RunTrouble>, words: &str) {
    match result {
        Err(RunTrouble::Refused { reply }) => assert!(reply.contains(words), "{reply}"),
        other => panic!("{other:?} is no refusal with `{words}`"),
    }
}

#[track_caller]
fn assert_later(result: &Result<(), RunTrouble>) {
    assert!(matches!(result, Err(RunTrouble::Unreachable { .. })), "{result:?}");
}

#[test]
fn tls_comes_first_or_after_the_greeting_and_mails_arrive_whole() {
    for (start, implicit) in [("smtps://", true), ("smtp+starttls://", false)] {
        let (folder, sink) = secure_server(&["127.0.0.1"], &Manners { implicit, ..Manners::default() });
        let table = format!("[mail.smtp]\nurl = \"{}\"\nca_file = \"{}\"\n", sink.url_by(start), folder.path().join("ca.pem").display());
        let shop = Shop::with(12, |number| format!("good-c{number:03}@b.example"), "", &table);
        shop.call(&["run", "--as-of", DATE, "-q"], 0);
        assert_eq!((sink.taken().len(), sink.offences()), (12, 0), "{start}");
        assert!(sink.mails().iter().all(|(_, text)| text.ends_with(b"\r\n")));
        assert_eq!(shop.count(State::Accepted), 12);
    }
}

#[test]
fn a_server_that_is_not_who_it_should_be_gets_nothing() {
    for (start, implicit) in [("smtps://", true), ("smtp+starttls://", false)] {
        let manners = Manners { implicit, ..Manners::default() };
        let (folder, sink) = secure_server(&["other.example"], &manners);
        let table = format!("[mail.smtp]\nurl = \"{}\"\nca_file = \"{}\"\n", sink.url_by(start), folder.path().join("ca.pem").display());
        let shop = Shop::with(5, |number| format!("good-c{number:03}@b.example"), "", &table);
        let told = shop.call(&["run", "--as-of", DATE, "-q"], 5);
        assert!(told.contains("certificate") && told.contains("127.0.0.1"), "{told}");
        assert_eq!((shop.count(State::Planned), sink.taken().len()), (5, 0));

        // The right name, but from an authority that nobody trusts.
        let (_other, sink) = secure_server(&["127.0.0.1"], &manners);
        assert_refused(open(&sink.url_by(start), &access(folder.path())), "certificate");
        assert_refused(open(&sink.url_by(start), &Access::default()), "certificate");
    }
}

#[test]
fn a_certificate_that_has_expired_gets_nothing() {
    for (start, implicit) in [("smtps://", true), ("smtp+starttls://", false)] {
        let folder = tempfile::tempdir().unwrap();
        let tls = Some(Authority::new(&folder.path().join("ca.pem")).expired_server(&["127.0.0.1"]));
        let sink = Sink::with(folder.path(), Manners { tls, implicit, ..Manners::default() });
        let table = format!("[mail.smtp]\nurl = \"{}\"\nca_file = \"{}\"\n", sink.url_by(start), folder.path().join("ca.pem").display());
        let shop = Shop::with(5, |number| format!("good-c{number:03}@b.example"), "", &table);
        let told = shop.call(&["run", "--as-of", DATE, "-q"], 5);
        assert!(told.contains("certificate") && told.contains("expired"), "{told}");
        assert_eq!((shop.count(State::Planned), sink.taken().len()), (5, 0), "{start}");
    }
}

#[test]
fn nothing_goes_on_without_the_tls_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    Authority::new(&folder.path().join("ca.pem"));
    let plain = Sink::start(folder.path(), "220", "250");
    let access = access(folder.path());
    assert_refused(open(&plain.url_by("smtp+starttls://"), &access), "STARTTLS");
    assert_refused(open(&plain.url_by("smtps://"), &access), "smtp+starttls://");
    for (starttls, is_refusal) in [("454", false), ("drop", false), ("250", false), ("stall", false), ("502", true), ("220inject", true)] {
        let (folder, sink) = secure_server(&["127.0.0.1"], &Manners { starttls, ..Manners::default() });
        let result = open(&sink.url_by("smtp+starttls://"), &self::access(folder.path()));
        if is_refusal {
            assert_refused(result, if starttls == "502" { "502" } else { "between STARTTLS and TLS" });
        } else {
            assert_later(&result);
        }
    }
}

/// A server that begins with TLS waits for us, and we for its greeting.
#[test]
fn a_server_that_waits_for_tls_is_told_apart() {
    let (folder, sink) = secure_server(&["127.0.0.1"], &Manners { implicit: true, ..Manners::default() });
    for start in ["smtp+starttls://", "smtp://"] {
        let result = open(&sink.url_by(start), &access(folder.path()));
        assert_later(&result);
        assert!(format!("{result:?}").contains("write smtps://"), "{result:?}");
    }
    let closed = Sink::start(folder.path(), "drop", "250");
    let result = open(&closed.url(), &Access::default());
    assert!(!format!("{result:?}").contains("smtps://"), "it was not silent: {result:?}");
}

#[test]
fn signing_in_takes_what_the_server_offers() {
    let login = Some(("mailer", SECRET));
    for (offers, auth, way) in [
        (&["AUTH PLAIN LOGIN XOAUTH2"][..], None, "PLAIN"),
        (&["AUTH CRAM-MD5 LOGIN"][..], None, "LOGIN"),
        (&["SIZE 1000", "auth xoauth2"][..], None, "XOAUTH2"),
        (&["AUTH=LOGIN", "AUTH PLAIN XOAUTH2"][..], Some(AuthWay::XOauth2), "XOAUTH2"),
    ] {
        let (folder, sink) = secure_server(&["127.0.0.1"], &Manners { offers, login, ..Manners::default() });
        open(&sink.url_by("smtp+starttls://mailer@"), &Access { auth, ..access(folder.path()) }).unwrap();
        assert_eq!((sink.logins(), sink.offences()), (vec![way.to_owned()], 0), "{offers:?}");
        let wrong = open(&sink.url_by("smtp+starttls://other@"), &Access { auth, ..access(folder.path()) });
        assert_refused(wrong, "535 5.7.8");
    }
    for offers in [&[][..], &["AUTH CRAM-MD5 GSSAPI"][..]] {
        let (folder, sink) = secure_server(&["127.0.0.1"], &Manners { offers, login, implicit: true, ..Manners::default() });
        assert_refused(open(&sink.url_by("smtps://mailer@"), &access(folder.path())), "nobody can sign in");
    }
}

#[test]
fn an_answer_to_signing_in_is_for_the_run() {
    let login = Some(("mailer", SECRET));
    for (auth, is_refusal) in
        [("454", false), ("421", false), ("250", false), ("334", false), ("drop", false), ("535", true), ("534", true)]
    {
        let manners = Manners { offers: &["AUTH PLAIN"], login, auth, implicit: true, ..Manners::default() };
        let (folder, sink) = secure_server(&["127.0.0.1"], &manners);
        let result = open(&sink.url_by("smtps://mailer@"), &access(folder.path()));
        if is_refusal {
            assert_refused(result, auth);
        } else {
            assert!(result.is_err(), "{auth}");
        }
        assert!(sink.logins().is_empty());
    }
}

/// Runs the whole program with a right and a wrong password, and looks for it in everything that is left behind.
#[test]
fn a_password_is_in_no_output_and_in_no_file() {
    let wrong = "battery-staple";
    for offers in [&["AUTH PLAIN"][..], &["AUTH LOGIN"][..], &["AUTH XOAUTH2"][..]] {
        let (folder, sink) = secure_server(&["127.0.0.1"], &Manners { offers, login: Some(("mailer", SECRET)), ..Manners::default() });
        let url = sink.url_by("smtp+starttls://mailer@");
        let ca = folder.path().join("ca.pem");
        let table = format!("[mail.smtp]\nurl = \"{url}\"\nca_file = \"{}\"\npassword_env = \"RELAY_PASSWORD\"\n", ca.display());
        let shop = Shop::with(3, |number| format!("good-c{number:03}@b.example"), "", &table);
        let mut told = finish(shop.command(&["run", "--as-of", DATE, "-v"]).env("RELAY_PASSWORD", wrong), 5);
        assert!(told.contains("535 5.7.8 wrong"), "{told}");
        assert_eq!((shop.count(State::Planned), sink.taken().len()), (3, 0));
        let absent = finish(shop.command(&["send", "--as-of", DATE]).env_remove("RELAY_PASSWORD"), 2);
        assert!(absent.contains("RELAY_PASSWORD"), "{absent}");

        let file = format!("[mail.smtp]\nurl = \"{url}\"\nca_file = \"{}\"\npassword_file = \"relay.password\"\n", ca.display());
        shop.write_job("", "", &file);
        fs::write(shop.path("relay.password"), format!("{SECRET}\n")).unwrap();
        fs::set_permissions(shop.path("relay.password"), fs::Permissions::from_mode(0o644)).unwrap();
        let open = shop.call(&["send", "--as-of", DATE], 2);
        assert!(open.contains("chmod 600"), "{open}");
        fs::set_permissions(shop.path("relay.password"), fs::Permissions::from_mode(0o600)).unwrap();
        told += &shop.call(&["send", "--as-of", DATE, "-v"], 0);
        assert_eq!(sink.taken().len(), 3);
        told += &shop.call(&["status", "--json"], 0);
        fs::remove_file(shop.path("relay.password")).unwrap();
        let left = all_bytes(shop.folder.path());
        for secret in [SECRET, wrong] {
            use base64::Engine;
            let coded = base64::engine::general_purpose::STANDARD.encode(secret);
            let plain = base64::engine::general_purpose::STANDARD.encode(format!("\0mailer\0{secret}"));
            let hex: Vec<String> = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("mailer:{secret}"));
            let hexes = [hex.concat(), hex.join(":"), hex.join(" ")];
            let mut parts = vec![secret, coded.trim_end_matches('='), &plain[..plain.len() - 4], &pair[..pair.len() - 4]];
            parts.extend(hexes.iter().map(String::as_str));
            for part in parts {
                assert!(!told.contains(part) && !absent.contains(part) && !open.contains(part), "{part} in {told}");
                assert!(!left.windows(part.len()).any(|window| window == part.as_bytes()), "{part} is in a file");
            }
        }
    }
}

fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { all_bytes(&path) } else { fs::read(&path).unwrap() });
    }
    bytes
}

#[test]
fn plain_text_stays_on_this_machine_until_the_job_says_otherwise() {
    let shop =
        Shop::with(1, |_| "good-c000@b.example".to_owned(), "", "[mail.smtp]\nretry = { every = \"1 second\", for = \"1 second\" }\n");
    shop.plan();
    let told = shop.call(&["send", "--smtp", "smtp://192.0.2.1"], 2);
    assert!(told.contains("unencrypted"), "{told}");
    let told = shop.call(&["send", "--smtp", "smtp://mailer:s3cret@192.0.2.1"], 2);
    assert!(told.contains("password_env") && !told.contains("s3cret"), "{told}");
    let told = shop.call(&["send", "--smtp", "smtp://mailer@127.0.0.1"], 2);
    assert!(told.contains("password_env"), "{told}");
}
