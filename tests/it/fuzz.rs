//! Damaged files, for a second: what `.ci/run` does for a minute. `FUZZ_SECONDS` says otherwise.

#[path = "../../testdata/fuzz/drive.rs"]
mod drive;
#[path = "../../testdata/fuzz/hand.rs"]
pub mod hand;
#[path = "../../testdata/fuzz/mutate.rs"]
mod mutate;
#[path = "../../testdata/fuzz/shop.rs"]
mod shop;
#[path = "../../testdata/fuzz/targets.rs"]
mod targets;

#[test]
fn no_damaged_file_takes_the_program_down() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1.5);
    let mut last = String::new();
    let files = drive::drive(seconds, 1, None, &mut |target, seed, _| last = format!("{seed} {target}"));
    // Each target has had its turn.
    assert!(files >= 8 * targets::TARGETS.len() as u64, "{files}, the last {last}");
}

#[test]
fn the_same_seed_damages_alike_and_sound_files_are_sound() {
    for target in targets::TARGETS {
        let seeds = shop::Shop::here(|shop| shop.seeds(target.name));
        for seed in &seeds {
            (target.run)(seed);
        }
        let made = |seed| drive::made(target, &seeds, seed);
        assert_eq!(made(7), made(7));
        let changed = (0..40).filter(|seed| !seeds.contains(&made(*seed))).count();
        assert!(changed > 30, "{} of 40 were damaged in {}", changed, target.name);
    }
}
