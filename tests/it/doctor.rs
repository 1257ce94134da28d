//! `rankmail doctor` from outside: what is well is called good, and each thing that is wrong is found and told.

use crate::certificates::Authority;
#[cfg(feature = "dns")]
use crate::name_server::{Record, record, start};
use crate::sink::{Manners, Sink};
use crate::small_shop::{DATE, Shop, finish};
use base64::Engine;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use tempfile::TempDir;

/// A page that answers to everybody, as `rankmail optout serve` does.
const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage";
const UNKNOWN: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone";

/// An opt-out page inside TLS on this machine.
struct Web {
    url: String,
    /// The first line of each request.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    /// `answer` gets method and path, and gives the whole answer.
    fn start(config: &Arc<ServerConfig>, answer: impl Fn(&str, &str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/u/", listener.local_addr().unwrap().port());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, config) = (Arc::clone(&asked), Arc::clone(config));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), socket);
                let mut space = [0; 4096];
                let Ok(count) = stream.read(&mut space) else { continue };
                let text = String::from_utf8_lossy(&space[..count]).into_owned();
                let line = text.lines().next().unwrap().to_owned();
                let mut words = line.split(' ');
                let reply = answer(words.next().unwrap(), words.next().unwrap());
                seen.lock().unwrap().push(line);
                stream.write_all(reply.as_bytes()).unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
        });
        Self { url, asked }
    }
}

/// An authority in a folder, and a page that knows the shop's tokens.
fn well() -> (TempDir, Authority, Web) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.path().join("ca.pem"));
    let web = Web::start(&authority.server(&["localhost"]), |_, path| if path.contains("1.00000000.") { UNKNOWN } else { PAGE }.to_owned());
    (folder, authority, web)
}

fn edit(shop: &Shop, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(shop.path(file)).unwrap();
    assert!(text.contains(from), "{file} has no `{from}`");
    fs::write(shop.path(file), text.replace(from, to)).unwrap();
}

/// A shop with this page; its opt-outs are trusted by the authority in the folder.
fn shop(web: &Web, table: &str) -> Shop {
    let shop = Shop::with(3, |number| format!("good-c{number:03}@b.example"), "", table);
    edit(&shop, "job.toml", "https://tsubaki.example/u/", &web.url);
    shop
}

/// The records of a shop that does everything right.
#[cfg(feature = "dns")]
fn right() -> Vec<Record> {
    let many: Vec<String> = (0..60).map(|number| format!("ip4:192.0.2.{number}")).collect();
    vec![
        record("tsubaki.example", "TXT", "some-verification=1"),
        record("tsubaki.example", "TXT", "v=spf1 include:relay.example ~all"),
        record("relay.example", "TXT", &format!("v=spf1 {} -all", many.join(" "))),
        record("_dmarc.tsubaki.example", "TXT", "v=DMARC1; p=reject; rua=mailto:d@tsubaki.example"),
        record("tsubaki.example", "MX", "mx.tsubaki.example"),
    ]
}

fn command(shop: &Shop, folder: &Path, more: &[&str]) -> Command {
    let mut command = shop.command(&[&["doctor", "--as-of", DATE], more].concat());
    command.env("SSL_CERT_FILE", folder.join("ca.pem"));
    // What the machine's own name server says of these names is nobody's business.
    #[cfg(feature = "dns")]
    if !more.contains(&"--dns") {
        command.args(["--dns", &start(right()).to_string()]);
    }
    command
}

fn examine(shop: &Shop, folder: &Path, more: &[&str], code: i32) -> Value {
    serde_json::from_str(&finish(&mut command(shop, folder, &[&["--json"], more].concat()), code)).unwrap()
}

/// State and words of the lines of one check.
fn lines<'a>(told: &'a Value, check: &str) -> Vec<(&'a str, &'a str)> {
    let all = told["checks"].as_array().unwrap().iter().filter(|line| line["check"] == check);
    all.map(|line| (line["state"].as_str().unwrap(), line["seen"].as_str().unwrap())).collect()
}

#[track_caller]
fn assert_line(told: &Value, check: &str, state: &str, words: &[&str]) {
    let lines = lines(told, check);
    assert!(lines.iter().any(|(found, seen)| *found == state && words.iter().all(|word| seen.contains(word))), "{check}: {lines:?}");
}

fn relay(folder: &Path, sink: &Sink) -> String {
    format!(
        "[mail.smtp]\nurl = \"{}\"\nca_file = \"{}\"\npassword_env = \"RELAY_PASSWORD\"\nreturn_path = \"bounce+{{token}}@tsubaki.example\"\n",
        sink.url_by("smtps://mailer@"),
        folder.join("ca.pem").display()
    )
}

#[test]
fn what_is_well_is_called_good_and_nothing_is_sent() {
    let (folder, authority, web) = well();
    let tls = Some(authority.server(&["127.0.0.1"]));
    let offers = &["PIPELINING", "SIZE 10240000", "AUTH PLAIN LOGIN"];
    let sink = Sink::with(folder.path(), Manners { tls, implicit: true, offers, login: Some(("mailer", "horse")), ..Manners::default() });
    let shop = shop(&web, &relay(folder.path(), &sink));
    shop.plan();
    let mut call = command(&shop, folder.path(), &["--json"]);
    let printed = call.env("RELAY_PASSWORD", "horse").output().unwrap().stdout;
    let told: Value = serde_json::from_slice(&printed).unwrap();
    assert_line(&told, "relay", "good", &["smtps://127.0.0.1", "PIPELINING", "SIZE 10240000", "AUTH PLAIN LOGIN"]);
    assert_line(&told, "tls", "good", &["TLS 1.3", "4096-"]);
    assert_line(&told, "sign_in", "good", &["mailer"]);
    assert_line(&told, "mails", "good", &[DATE]);
    assert_line(&told, "size", "good", &["10000 KB"]);
    for check in ["headers", "clip", "text", "images", "image_only", "subject", "noreply", "links", "opt_out"] {
        assert_eq!(lines(&told, check).len(), 1, "{check}");
        assert_eq!(lines(&told, check)[0].0, "good", "{check}: {told}");
    }
    assert_eq!((sink.senders().len(), sink.offences(), sink.logins().len()), (0, 0, 1), "no MAIL is said");
    let asked = web.asked.lock().unwrap().clone();
    assert_eq!(asked.iter().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(), ["GET", "GET", "POST"]);
    assert!(asked[2].contains("1.00000000."), "no good token is ever posted: {asked:?}");
    assert_eq!(shop.outbox().len(), 0);

    // The same on the terminal, and a wrong password.
    let text = finish(command(&shop, folder.path(), &[]).env("RELAY_PASSWORD", "wrong"), 1);
    assert!(text.contains("✗ bad   relay: ") && text.contains("535") && !text.contains("wrong:"), "{text}");
    edit(&shop, "job.toml", "language = \"en\"", "language = \"ja\"");
    let text = finish(command(&shop, folder.path(), &[]).env("RELAY_PASSWORD", "wrong"), 1);
    assert!(text.contains("要対応  メールサーバー") && text.contains("良　　  件名"), "{text}");
}

#[test]
fn a_certificate_that_ends_soon_and_a_small_server_are_told() {
    let (folder, authority, web) = well();
    let tls = Some(authority.server_for_days(&["127.0.0.1"], 10));
    let sink = Sink::with(folder.path(), Manners { tls, implicit: true, offers: &["SIZE 900"], ..Manners::default() });
    let shop = shop(
        &web,
        &format!("[mail.smtp]\nurl = \"{}\"\nca_file = \"{}\"\n", sink.url_by("smtps://"), folder.path().join("ca.pem").display()),
    );
    let told = examine(&shop, folder.path(), &[], 1);
    assert_line(&told, "tls", "hint", &["the certificate ends on"]);
    assert_line(&told, "relay", "hint", &["SIZE 900"]);
    assert_line(&told, "size", "bad", &["letter A"]);
    assert!(!shop.path("runs/small").join(DATE).exists(), "what was planned to look at it is gone");

    // Without a server it is said where mails go; a server that is away is told.
    shop.write_job("", "", "");
    edit(&shop, "job.toml", "https://tsubaki.example/u/", &web.url);
    assert_line(&examine(&shop, folder.path(), &[], 0), "relay", "hint", &["outbox"]);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = examine(&shop, folder.path(), &["--smtp", &format!("smtp://{gone}")], 1);
    assert_line(&told, "relay", "bad", &["cannot reach", "refused"]);
}

#[test]
fn mails_that_do_harm_are_named() {
    let (folder, _, web) = well();
    let shop = shop(&web, "");
    edit(&shop, "job.toml", "hello@tsubaki.example", "no-reply@tsubaki.example");
    fs::write(shop.path("templates/letter/subject.txt"), "とても長い件名なので携帯電話では終わりまで見えません {{ customer.name }}\n")
        .unwrap();
    let footer =
        "<p>{{ shop.name }} {{ shop.address }} {{ shop.contact }}</p><a href='{{ links.unsubscribe }}'>{{ links.unsubscribe }}</a>";
    let body = format!("<html><body><img src='https://a.example/a.png'><a href='http://a.example/x?y=1'>!</a>{footer}</body></html>\n");
    fs::write(shop.path("templates/letter/body.html"), &body).unwrap();
    shop.plan();
    let told = examine(&shop, folder.path(), &[], 1);
    assert_line(&told, "subject", "hint", &["letter A: 2", "full-width"]);
    assert_line(&told, "images", "hint", &["1 of 1"]);
    assert_line(&told, "image_only", "bad", &["1 images and 1 letters"]);
    assert_line(&told, "noreply", "hint", &["no-reply@tsubaki.example"]);
    assert_line(&told, "links", "hint", &["http://a.example"]);
    assert_line(&told, "clip", "good", &["KB"]);

    // More than Gmail shows; an answer that goes elsewhere needs no sender who reads.
    fs::write(shop.path("templates/letter/body.html"), body.replace("!</a>", &format!("{}</a>", "long ".repeat(22_000)))).unwrap();
    edit(&shop, "job.toml", "[mail]\n", "[mail]\nreply_to = \"support@tsubaki.example\"\n");
    shop.plan();
    let told = examine(&shop, folder.path(), &[], 1);
    assert_line(&told, "clip", "bad", &["108 KB"]);
    assert_line(&told, "noreply", "good", &[]);
    assert_line(&told, "image_only", "good", &[]);
}

#[test]
fn templates_are_tried_before_there_are_data() {
    let (folder, _, web) = well();
    let shop = shop(&web, "");
    fs::remove_file(shop.path("purchases.parquet")).unwrap();
    fs::write(shop.path("templates/letter/subject.txt"), "{{ customer.name }} 様へ、春の新作をお届けいたします。ご覧くださいませ\n")
        .unwrap();
    let told = examine(&shop, folder.path(), &[], 0);
    assert_line(&told, "mails", "hint", &[]);
    assert_line(&told, "subject", "hint", &["letter A"]);
}

#[test]
fn an_opt_out_page_must_answer_take_a_click_and_keep_still_when_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let config = Authority::new(&folder.path().join("ca.pem")).server(&["localhost"]);
    let told = |answer: fn(&str, &str) -> &'static str| {
        let web = Web::start(&config, move |method, path| answer(method, path).to_owned());
        examine(&shop(&web, ""), folder.path(), &[], 1)
    };
    assert_line(&told(|_, _| "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"), "opt_out", "bad", &["GET 500"]);
    assert_line(&told(|_, _| "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "opt_out", "bad", &["GET 200"]);
    let refused = |method: &str, _: &str| if method == "POST" { "HTTP/1.1 405 No\r\nContent-Length: 2\r\n\r\nno" } else { PAGE };
    assert_line(&told(refused), "opt_out", "bad", &["POST 405"]);
    let moved =
        |method: &str, _: &str| if method == "POST" { "HTTP/1.1 302 Go\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n" } else { PAGE };
    assert_line(&told(moved), "opt_out", "bad", &["POST 302 → /login"]);
    assert_line(&told(|_, _| "SSH-2.0-no\r\n"), "opt_out", "bad", &["no web server"]);

    // A certificate that nobody trusts, and a page that opts out whoever opens it.
    let (other, _, web) = well();
    assert_line(&examine(&shop(&web, ""), folder.path(), &[], 1), "opt_out", "bad", &["certificate"]);
    drop(other);
    let victim = Arc::new(Mutex::new(None::<std::path::PathBuf>));
    let place = Arc::clone(&victim);
    let web = Web::start(&config, move |_, path| {
        if let Some(job) = place.lock().unwrap().as_ref().filter(|_| !path.contains("1.00000000.")) {
            let list = job.with_file_name("out.csv");
            let customer = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(path.split('.').nth(2).unwrap()).unwrap();
            fs::write(&list, customer).unwrap();
            finish(Command::new(env!("CARGO_BIN_EXE_rankmail")).args(["optout", "import"]).args([job, &list]), 0);
        }
        PAGE.to_owned()
    });
    let shop = shop(&web, "");
    shop.plan();
    *victim.lock().unwrap() = Some(shop.path("job.toml"));
    for time in ["first", "second"] {
        assert_line(&examine(&shop, folder.path(), &[], 1), "opt_out", "bad", &["opted out"]);
        let mut export = Command::new(env!("CARGO_BIN_EXE_rankmail"));
        let left = finish(export.args(["optout", "export"]).arg(shop.path("job.toml")), 0);
        assert!(!left.contains("rankmail doctor"), "after the {time} look: {left}");
    }
}

#[cfg(not(feature = "dns"))]
#[test]
fn without_dns_it_is_said_what_to_look_at() {
    let (folder, _, web) = well();
    let shop = shop(&web, "");
    let told = examine(&shop, folder.path(), &[], 0);
    let line = told["checks"].as_array().unwrap().iter().find(|line| line["check"] == "dns").unwrap();
    assert_eq!(line["state"], "hint");
    let advice = line["advice"].as_str().unwrap();
    for name in ["TXT tsubaki.example", "TXT _dmarc.tsubaki.example", "MX tsubaki.example", "--features dns"] {
        assert!(advice.contains(name), "{advice}");
    }
}

#[cfg(feature = "dns")]
mod dns {
    use super::*;

    fn ask(records: Vec<Record>, table: &str, code: i32) -> Value {
        let (folder, _, web) = well();
        let server = start(records);
        examine(&shop(&web, table), folder.path(), &["--dns", &server.to_string()], code)
    }

    fn without(name: &str, kind: &str) -> Vec<Record> {
        right().into_iter().filter(|(known, known_kind, _)| known != name || *known_kind != kind).collect()
    }

    fn with(name: &str, kind: &'static str, says: &str) -> Vec<Record> {
        let mut records = without(name, kind);
        records.push(record(name, kind, says));
        records
    }

    #[test]
    fn good_records_are_good() {
        let told = ask(right(), "", 0);
        assert_line(&told, "spf", "good", &["include:relay.example"]);
        assert_line(&told, "dmarc", "good", &["p=reject"]);
        assert_line(&told, "alignment", "hint", &["From tsubaki.example = return path tsubaki.example"]);
        assert_line(&told, "mx", "good", &["mx.tsubaki.example"]);
        assert_line(&told, "dkim", "hint", &["does not sign"]);
    }

    #[test]
    fn an_spf_record_that_receivers_cannot_use_is_bad() {
        assert_line(&ask(without("tsubaki.example", "TXT"), "", 1), "spf", "bad", &["no record"]);
        let mut twice = right();
        twice.push(record("tsubaki.example", "TXT", "v=spf1 -all"));
        assert_line(&ask(twice, "", 1), "spf", "bad", &["2 records"]);
        assert_line(&ask(with("tsubaki.example", "TXT", "v=spf1 +all"), "", 1), "spf", "bad", &["+all"]);
        assert_line(&ask(with("tsubaki.example", "TXT", "v=spf1 a mx"), "", 0), "spf", "hint", &["a mx"]);
        assert_line(&ask(with("tsubaki.example", "TXT", "v=spf1 include:nobody.example -all"), "", 1), "spf", "bad", &["nobody"]);
        let mut chain = with("tsubaki.example", "TXT", "v=spf1 include:i0.example -all");
        chain.extend(
            (0..11).map(|number| record(&format!("i{number}.example"), "TXT", &format!("v=spf1 include:i{}.example -all", number + 1))),
        );
        let told = ask(chain, "", 1);
        let line = told["checks"].as_array().unwrap().iter().find(|line| line["check"] == "spf").unwrap();
        assert!(line["advice"].as_str().unwrap().contains("more than 10 questions"), "{line}");
    }

    #[test]
    fn dmarc_and_mx_are_judged() {
        assert_line(&ask(without("_dmarc.tsubaki.example", "TXT"), "", 1), "dmarc", "bad", &["no record"]);
        assert_line(&ask(with("_dmarc.tsubaki.example", "TXT", "v=DMARC1; p=none"), "", 0), "dmarc", "hint", &["p=none"]);
        assert_line(&ask(with("_dmarc.tsubaki.example", "TXT", "v=DMARC1; rua=x"), "", 1), "dmarc", "bad", &["p=?"]);
        assert_line(&ask(without("tsubaki.example", "MX"), "", 1), "mx", "bad", &["none"]);
        assert_line(&ask(with("tsubaki.example", "MX", "."), "", 1), "mx", "bad", &["takes no mail"]);
        let mut address = without("tsubaki.example", "MX");
        address.push(record("tsubaki.example", "A", ""));
        assert_line(&ask(address, "", 0), "mx", "hint", &["no MX"]);
        let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (folder, _, web) = well();
        assert_line(&examine(&shop(&web, ""), folder.path(), &["--dns", &nobody.to_string()], 1), "dns", "bad", &["tsubaki.example @127"]);
    }

    #[test]
    fn the_return_path_must_be_of_the_senders_domain() {
        let table = |path: &str| format!("[mail.smtp]\nreturn_path = \"{path}\"\n");
        let mut records = right();
        for domain in ["mail.tsubaki.example", "relay.example"] {
            records.push(record(domain, "MX", "mx.relay.example"));
        }
        records.push(record("mail.tsubaki.example", "TXT", "v=spf1 ip4:192.0.2.1 -all"));
        let told = ask(records.clone(), &table("b@mail.tsubaki.example"), 0);
        assert_line(&told, "alignment", "hint", &["= return path mail.tsubaki.example"]);
        assert_line(&told, "spf", "good", &["mail.tsubaki.example: v=spf1 ip4"]);
        let told = ask(records.clone(), &table("b@relay.example"), 1);
        assert_line(&told, "alignment", "bad", &["≠ return path relay.example"]);
        for record in &mut records {
            record.2 = record.2.replace("p=reject;", "p=reject; aspf=s;");
        }
        assert_line(&ask(records, &table("b@mail.tsubaki.example"), 1), "alignment", "bad", &["≠ return path mail"]);
    }

    #[cfg(feature = "dkim")]
    #[test]
    fn the_key_in_the_dns_must_be_ours() {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        use std::os::unix::fs::PermissionsExt;
        let (folder, _, web) = well();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let file = folder.path().join("dkim.pem");
        fs::write(&file, key.serialize_pem()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let sink = Sink::with(folder.path(), Manners { offers: &["PIPELINING"], ..Manners::default() });
        let table = format!("[mail.smtp]\nurl = \"{}\"\ndkim = [{{ selector = \"s1\", key_file = \"{}\" }}]\n", sink.url(), file.display());
        let shop = shop(&web, &table);
        let ours = STANDARD.encode(key.public_key_raw());
        let other = STANDARD.encode(rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().public_key_raw());
        for (says, code, state, words) in [
            (format!("v=DKIM1; k=ed25519; p={ours}"), 0, "good", "our key"),
            (format!("v=DKIM1; k=ed25519; t=y; p={ours}"), 0, "hint", "t=y"),
            (format!("v=DKIM1; k=ed25519; p={other}"), 1, "bad", "another key"),
            (format!("v=DKIM1; p={ours}"), 1, "bad", "another key"),
            ("v=DKIM1; k=ed25519; p=".to_owned(), 1, "bad", "revoked"),
            ("v=DKIM1".to_owned(), 1, "bad", "no key"),
        ] {
            let mut records = right();
            records.push(record("s1._domainkey.tsubaki.example", "TXT", &says));
            let told = examine(&shop, folder.path(), &["--dns", &start(records).to_string()], code);
            assert_line(&told, "dkim", state, &["s1._domainkey.tsubaki.example", words]);
            assert_line(&told, "alignment", "good", &["= DKIM tsubaki.example"]);
        }
    }
}
