//! A studio as a process of its own, and HTTP by hand with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The pages of a job.
pub struct Pages {
    pub child: Child,
    /// `127.0.0.1:PORT`.
    pub host: String,
    /// `/TOKEN`.
    pub base: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// A header; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or_default()
    }
}

impl Pages {
    /// Opens the pages of the job in this file, with the working folder beside it.
    pub fn open(job: &Path, more: &[&str]) -> Self {
        Self::begun(&mut Command::new(env!("CARGO_BIN_EXE_rankmail")), job, more)
    }

    /// The same by a command that starts the program.
    pub fn begun(command: &mut Command, job: &Path, more: &[&str]) -> Self {
        command.arg("studio").arg(job).args(["--listen", "127.0.0.1:0", "--json"]).args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        while !told.ends_with("}\n") {
            assert!(out.read_line(&mut told).unwrap() > 0, "it ended: {told}");
        }
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let url = told["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        let (host, token) = url.trim_end_matches('/').split_once('/').unwrap();
        assert_eq!((token.len(), url.ends_with('/')), (32, true), "{url}");
        Self { child, host: host.to_owned(), base: format!("/{token}") }
    }

    /// Sends bytes and reads until the server closes.
    pub fn talk(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
    }

    /// A GET of a path as it is, with any further header lines.
    pub fn ask(&self, target: &str, host: &str, more: &str) -> Answer {
        self.talk(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n").as_bytes())
    }

    /// A page below the token.
    pub fn get(&self, path: &str) -> Answer {
        self.ask(&format!("{}{path}", self.base), &self.host, "")
    }

    /// The same, which must be there.
    pub fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Posts a form from our own pages.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(path, fields, &format!("Origin: http://{}\r\n", self.host))
    }

    /// The same with other header lines.
    pub fn post_from(&self, path: &str, fields: &[(&str, &str)], more: &str) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let (base, host, length) = (&self.base, &self.host, body.len());
        let kind = "application/x-www-form-urlencoded";
        let head = format!(
            "POST {base}{path} HTTP/1.1\r\nHost: {host}\r\n{more}Content-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        self.talk(format!("{head}{body}").as_bytes())
    }

    /// A page that listens to what happens on the disk.
    pub fn listen(&self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(format!("GET {}/events HTTP/1.1\r\nHost: {}\r\n\r\n", self.base, self.host).as_bytes()).unwrap();
        wait_for(&mut stream, "event: hello");
        stream
    }
}

/// Reads until a word comes.
pub fn wait_for(stream: &mut TcpStream, word: &str) {
    let (mut told, mut heard) = (String::new(), [0_u8; 4096]);
    while !told.contains(word) {
        let read = stream.read(&mut heard).unwrap();
        assert!(read > 0, "it ended: {told}");
        told += &String::from_utf8_lossy(&heard[..read]);
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A page once what it shows is read.
pub fn read(pages: &Pages, path: &str) -> String {
    let start = Instant::now();
    loop {
        let page = pages.page(path);
        if !page.contains("<progress") {
            return page;
        }
        assert!(start.elapsed() < Duration::from_mins(2), "{path} is never read");
        std::thread::sleep(Duration::from_millis(50));
    }
}
