//! Runs the program from outside. What a test does not expect must not be printed: unset output must be empty.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// One call of the program, built up and then run.
pub struct Call {
    command: Command,
    code: i32,
    out: Expect,
    err: Expect,
}

enum Expect {
    Empty,
    Holds(Vec<String>),
    Anything,
}

/// What a call printed.
pub struct Printed {
    pub out: String,
    pub err: String,
}

impl Printed {
    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in\n{}", self.out))
    }
}

/// A call of `rankmail` with these arguments, in the root of the project.
pub fn rankmail(arguments: &[&str]) -> Call {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rankmail"));
    command.args(arguments).current_dir(root()).env_remove("RANKMAIL_SMTP_URL");
    Call { command, code: 0, out: Expect::Empty, err: Expect::Empty }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

impl Call {
    pub fn runs(mut self, folder: &Path) -> Self {
        self.command.arg("--runs").arg(folder);
        self
    }

    /// The exit code, 0 unless it is said.
    pub fn code(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    /// Standard output holds this.
    pub fn says(mut self, text: &str) -> Self {
        self.out = hold(self.out, text);
        self
    }

    /// Standard error holds this.
    pub fn complains(mut self, text: &str) -> Self {
        self.err = hold(self.err, text);
        self
    }

    /// Standard output may be anything: the test looks at it itself.
    pub fn any_output(mut self) -> Self {
        self.out = Expect::Anything;
        self
    }

    /// Runs it, and fails the test unless code and output are as expected.
    pub fn run(mut self) -> Printed {
        let Output { status, stdout, stderr } = self.command.output().expect("the program starts");
        let printed = Printed { out: String::from_utf8_lossy(&stdout).into_owned(), err: String::from_utf8_lossy(&stderr).into_owned() };
        let all = format!("{:?}\n--- out\n{}\n--- err\n{}", self.command, printed.out, printed.err);
        assert_eq!(status.code(), Some(self.code), "{all}");
        self.out.check(&printed.out, "standard output", &all);
        self.err.check(&printed.err, "standard error", &all);
        printed
    }
}

fn hold(expect: Expect, text: &str) -> Expect {
    let mut texts = match expect {
        Expect::Holds(texts) => texts,
        _ => Vec::new(),
    };
    texts.push(text.to_owned());
    Expect::Holds(texts)
}

impl Expect {
    fn check(&self, printed: &str, name: &str, all: &str) {
        match self {
            Self::Empty => assert!(printed.is_empty(), "{name} is not empty: {all}"),
            Self::Holds(texts) => {
                for text in texts {
                    assert!(printed.contains(text), "{name} lacks `{text}`: {all}");
                }
            }
            Self::Anything => {}
        }
    }
}
