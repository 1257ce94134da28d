//! Every job in `bad_jobs/` is refused, with the words beside it in `snapshots/`.

use rankmail::job;

#[test]
fn each_bad_job_is_refused_with_all_of_its_problems() {
    insta::glob!("bad_jobs/*.toml", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let name = Path::new(path.file_name().unwrap());
        let error = job::load_text(name, &text).unwrap_err();
        let shown = error.to_string();
        assert!(!shown.contains("correct horse") && !shown.contains("correct-horse"), "a secret is shown");
        for problem in error.problems() {
            assert!(shown.contains(&problem.message), "a problem is not shown: {}", problem.message);
            assert!(problem.line >= 1 && problem.line <= text.lines().count().max(1), "line {} of {name:?}", problem.line);
        }
        insta::assert_snapshot!(shown);
    });
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let message = |name: &str| job::load(&folder.path().join(name)).unwrap_err().to_string();
    assert!(message("none.toml").contains("cannot read the job file"));
    assert!(message("").contains("it is a folder"));
    std::fs::write(folder.path().join("large.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(message("large.toml").contains("larger than 1024 KiB"));
    std::fs::write(folder.path().join("sjis.toml"), b"name = \"\x82\xa0\"").unwrap();
    assert!(message("sjis.toml").contains("save it as UTF-8"));
}
