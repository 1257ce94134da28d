//! Saving in the studio: a text that cannot be kept comes back, the last good mail stays, links that come in between lead nowhere, and a
//! studio that is killed leaves the old file or the new one.

use crate::small_shop::Shop;
use crate::studio_pages::Pages;
use crate::studio_templates::{digest_of, save};
use std::fs;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SUBJECT: &str = "letter/subject.txt";
const BODY: &str = "letter/body.html";

fn open(shop: &Shop) -> Pages {
    shop.plan();
    Pages::open(&shop.path("job.toml"), &[])
}

fn japanese(count: usize) -> Shop {
    let shop = Shop::new(count);
    let job = fs::read_to_string(shop.path("job.toml")).unwrap();
    fs::write(shop.path("job.toml"), job.replace("language = \"en\"", "language = \"ja\"")).unwrap();
    shop
}

/// What stands in the editor.
fn written(page: &str) -> &str {
    let area = page.split("<textarea").nth(1).unwrap_or_else(|| panic!("no editor: {page}"));
    area.split_once('>').unwrap().1.split("</textarea>").next().unwrap()
}

#[test]
fn a_text_that_cannot_be_kept_comes_back() {
    let shop = japanese(2);
    let pages = open(&shop);
    let digest = digest_of(&pages, SUBJECT);
    // Somebody moves the folder.
    fs::rename(shop.path("templates/letter"), shop.path("templates/moved")).unwrap();
    let told = save(&pages, SUBJECT, "私の文面 <b>", &digest);
    assert_eq!(told.status, 404, "{}", told.body);
    assert!(written(&told.body).contains("私の文面 &lt;b&gt;"), "{}", told.body);
    assert!(told.body.contains("保存できませんでした") && told.body.contains(SUBJECT), "{}", told.body);
    assert!(told.body.contains("data-unsaved") && told.body.contains(&digest), "{}", told.body);
    fs::rename(shop.path("templates/moved"), shop.path("templates/letter")).unwrap();
    // It can be saved from there once that is mended.
    assert_eq!(save(&pages, SUBJECT, "私の文面", &digest).status, 303);
    // Too long a text, as long as a body may be; and somebody else's meanwhile.
    let digest = digest_of(&pages, BODY);
    let told = save(&pages, BODY, &format!("{}私の終わり", "a".repeat(1_100_000)), &digest);
    assert!(told.status == 413 && written(&told.body).contains("私の終わり") && told.body.contains("1024 KiB"), "{}", told.status);
    // The file is removed: that is a change, and both are shown.
    fs::remove_file(shop.path("templates/letter/body.html")).unwrap();
    let told = save(&pages, BODY, "私の文面", &digest);
    assert!(told.status == 409 && written(&told.body).contains("私の文面"), "{}", told.body);
}

#[test]
fn a_text_comes_back_also_when_the_plan_is_gone() {
    let shop = Shop::new(2);
    let pages = open(&shop);
    let digest = digest_of(&pages, SUBJECT);
    fs::remove_dir_all(shop.path("runs/small")).unwrap();
    fs::rename(shop.path("templates/letter"), shop.path("templates/moved")).unwrap();
    let told = save(&pages, SUBJECT, "My text", &digest);
    assert!(told.status == 404 && written(&told.body).contains("My text") && told.body.contains("was not saved"), "{}", told.body);
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_the_text_comes_back() {
    let shop = Shop::new(1);
    shop.plan();
    // No file may become larger than 8 blocks: writing fails as on a full disk.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_rankmail")]);
    let pages = Pages::begun(&mut command, &shop.path("job.toml"), &[]);
    let before = fs::read_to_string(shop.path("templates/letter/body.html")).unwrap();
    let long = format!("{before}{}", "<p>more</p>".repeat(2_000));
    let told = save(&pages, BODY, &long, &digest_of(&pages, BODY));
    assert_eq!(told.status, 500, "{}", told.body);
    assert!(told.body.contains("was not saved") && told.body.contains("body.html"), "{}", told.body);
    assert!(written(&told.body).contains("&lt;p&gt;more&lt;/p&gt;") || written(&told.body).contains("more"), "{}", told.body);
    assert_eq!(fs::read_to_string(shop.path("templates/letter/body.html")).unwrap(), before);
    assert_eq!(names(&shop), ["body.html", "subject.txt"]);
}

/// Everything in the campaign's folder, hidden files too.
fn names(shop: &Shop) -> Vec<String> {
    let entries = fs::read_dir(shop.path("templates/letter")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_browser_keeps_the_text_where_htmx_asks() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    let page = pages.page("/templates/letter/subject.txt");
    assert!(
        page.contains("hx-sync=\"this:queue last\" data-save") && page.contains("id=\"said\"") && page.contains("data-most=\"1048576\""),
        "{page}"
    );
    let hx = format!("Origin: http://{}\r\nHX-Request: true\r\n", pages.host);
    let digest = digest_of(&pages, SUBJECT);
    let saved = pages.post_from("/templates/letter/subject.txt", &[("text", "New"), ("digest", &digest)], &hx);
    assert_eq!(saved.status, 204, "{}", saved.body);
    assert!(saved.header("HX-Redirect").contains("/templates/letter/subject.txt?"), "{}", saved.head);
    // It was changed meanwhile: both are shown in the place of the editor.
    let both = pages.post_from("/templates/letter/subject.txt", &[("text", "Newer"), ("digest", &digest)], &hx);
    assert_eq!((both.status, both.header("HX-Retarget"), both.header("HX-Reselect")), (409, "#main", "#main"));
    assert!(both.body.contains("<main id=\"main\">") && written(&both.body).contains("Newer"), "{}", both.body);
}

#[test]
fn the_last_good_mail_stays_beside_a_broken_template() {
    let shop = Shop::new(3);
    let pages = open(&shop);
    let path = shop.path("templates/letter/subject.txt");
    let look = || pages.page("/templates/letter/subject.txt?customer=c001&campaign=letter");
    let frame_of = |page: &str| {
        let way = page.split(" src=\"").find(|part| part.contains("/preview/")).unwrap().split('"').next().unwrap();
        pages.page(&way.replace("&amp;", "&").replace(&pages.base, ""))
    };
    // Nothing good was seen yet: then it is the planned mail.
    fs::write(&path, "{% if customer.nmae %}x{% endif %}").unwrap();
    let page = look();
    assert!(page.contains("subject.txt:1:16") && page.contains("<p class=\"subject\"><bdi>冬のお便り 山田 1</bdi></p>"), "{page}");
    assert!(frame_of(&page).contains("canary-c001-end"));
    // Then the last one that was seen, whoever saves what.
    fs::write(&path, "Good {{ customer.name }}").unwrap();
    assert!(look().contains("<p class=\"subject\"><bdi>Good 山田 1</bdi></p>"));
    let saved = save(&pages, SUBJECT, "Bad\n{{ customer.name | nope }}", &digest_of(&pages, SUBJECT));
    assert_eq!(saved.status, 303);
    let page = look();
    assert!(page.contains("subject.txt:2:20") && page.contains("^^^"), "{page}");
    assert!(
        page.contains("fails for 3 of the 3")
            && ["c000", "c001", "c002"].iter().all(|id| page.contains(&format!("data-customer=\"{id}\""))),
        "{page}"
    );
    assert!(page.contains("<p class=\"subject\"><bdi>Good 山田 1</bdi></p>") && page.contains("<iframe"), "{page}");
    assert!(frame_of(&page).contains("canary-c001-end"));
    fs::write(&path, "{% if").unwrap();
    assert!(look().contains("<p class=\"subject\"><bdi>Good 山田 1</bdi></p>"));
}

#[cfg(unix)]
#[test]
fn a_link_that_comes_in_between_leads_nowhere() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    let outside = shop.path("outside");
    fs::create_dir_all(&outside).unwrap();
    for name in ["subject.txt", "body.html"] {
        fs::write(outside.join(name), "secret-of-somebody").unwrap();
    }
    let (real, aside) = (shop.path("templates/letter"), shop.path("aside"));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // The folder becomes a link and a folder again, as fast as it goes.
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                fs::rename(&real, &aside).unwrap();
                std::os::unix::fs::symlink(&outside, &real).unwrap();
                fs::remove_file(&real).unwrap();
                fs::rename(&aside, &real).unwrap();
            }
        });
        let mut seen = [0, 0];
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_secs(6) {
            let page = pages.get("/templates/letter/subject.txt");
            assert!(!page.body.contains("secret-of-somebody"), "{}", page.body);
            seen[usize::from(page.status == 200)] += 1;
            let told = save(&pages, SUBJECT, "written", &blake3::hash(b"secret-of-somebody").to_hex());
            assert_ne!(told.status, 303, "{}", told.body);
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(seen[0] > 0 && seen[1] > 0, "both were met: {seen:?}");
    });
    for name in ["subject.txt", "body.html"] {
        assert_eq!(fs::read_to_string(outside.join(name)).unwrap(), "secret-of-somebody");
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 2);
}

#[test]
fn a_studio_that_is_killed_leaves_the_old_file_or_the_new_one() {
    let shop = Shop::new(1);
    shop.plan();
    let file = shop.path("templates/letter/body.html");
    let mail = fs::read_to_string(&file).unwrap();
    let texts = ["a", "b"].map(|letter| mail.replace("<body>", &format!("<body><p>{}</p>", letter.repeat(400_000))));
    fs::write(&file, &texts[0]).unwrap();
    for round in 0..24_u64 {
        let mut pages = Pages::open(&shop.path("job.toml"), &[]);
        let (host, base) = (pages.host.clone(), pages.base.clone());
        let both = texts.clone();
        let saving = std::thread::spawn(move || {
            // Whoever saves does not stop before the server is gone.
            for turn in 0.. {
                let body = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("text", &both[turn % 2])
                    .append_pair("digest", &blake3::hash(both[(turn + 1) % 2].as_bytes()).to_hex())
                    .finish();
                let head = format!(
                    "POST {base}/templates/letter/body.html HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: close\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let Ok(mut stream) = std::net::TcpStream::connect(&host) else { return turn };
                let mut answer = Vec::new();
                let talked = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
                if talked.and_then(|()| stream.read_to_end(&mut answer)).is_err() || answer.is_empty() {
                    return turn;
                }
            }
            0
        });
        std::thread::sleep(Duration::from_millis(150 + 37 * (round % 8) + 11 * round));
        pages.child.kill().unwrap();
        pages.child.wait().unwrap();
        saving.join().unwrap();
        let left = fs::read_to_string(&file).unwrap();
        assert!(left == texts[0] || left == texts[1], "round {round}: {} bytes", left.len());
    }
    // What was cut off is in nobody's way: not in the next plan's, and not in the next save's, which takes it away.
    shop.plan();
    let pages = Pages::open(&shop.path("job.toml"), &[]);
    assert_eq!(save(&pages, BODY, &mail, &digest_of(&pages, BODY)).status, 303);
    assert_eq!(names(&shop), ["body.html", "subject.txt"]);
}

#[test]
fn what_another_name_leads_to_is_not_written() {
    let shop = Shop::new(1);
    let pages = open(&shop);
    let victim = shop.path("victim");
    fs::write(&victim, "somebody's").unwrap();
    let beside = shop.path("templates/letter/.subject.txt.rankmail");
    fs::hard_link(&victim, &beside).unwrap();
    let digest = digest_of(&pages, SUBJECT);
    let answer = save(&pages, SUBJECT, "Mine", &digest);
    assert!(answer.status >= 400 && answer.body.contains(".subject.txt.rankmail"), "{}: {}", answer.status, answer.body);
    assert!(answer.body.contains("Mine"), "the text comes back: {}", answer.body);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "somebody's");
    fs::remove_file(&beside).unwrap();
    // Somebody else who saves the same file is waited for, and not for ever.
    let other = fs::File::create(&beside).unwrap();
    other.lock().unwrap();
    let answer = save(&pages, SUBJECT, "Mine", &digest);
    assert!(answer.status >= 400 && answer.body.contains("another program"), "{}: {}", answer.status, answer.body);
    drop(other);
    assert!(save(&pages, SUBJECT, "Mine", &digest).status < 400);
    assert_eq!(fs::read_to_string(shop.path("templates/letter/subject.txt")).unwrap().trim(), "Mine");
}
