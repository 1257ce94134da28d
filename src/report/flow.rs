//! The picture of who moved from which rank to which: bands between two columns of ranks.

use super::figures::{ratio, tenth};
use super::words::Words;
use crate::domain::RankIndex;
use serde::Serialize;

/// The height of all customers together, in pixels.
const ALL: f64 = 250.0;
/// The space between two ranks, and the least that a rank's label needs.
const GAP: f64 = 12.0;
const LABEL: f64 = 30.0;
/// Room for a name, in letters of Latin.
const ROOM: usize = 12;
/// The least height of a band, so that one person in a million is seen.
const THIN: f64 = 1.4;

/// How many moved between two ranks; `None` is no rank.
pub(super) type Move = (Option<RankIndex>, Option<RankIndex>, u64);

#[derive(Serialize)]
pub(super) struct Flow {
    height: f64,
    before: Vec<Node>,
    now: Vec<Node>,
    bands: Vec<Band>,
}

/// One rank on one side.
#[derive(Serialize)]
struct Node {
    name: String,
    /// The name as far as there is room beside the picture.
    label: String,
    people: String,
    top: f64,
    height: f64,
    middle: f64,
}

#[derive(Serialize)]
struct Band {
    path: String,
    tone: &'static str,
    title: String,
}

/// What a move is to the shop: `up`, `down`, `new` or `kept`.
pub(super) fn tone(before: Option<RankIndex>, now: Option<RankIndex>) -> &'static str {
    match (before, now) {
        (None, Some(_)) => "new",
        (before, now) if now > before => "up",
        (before, now) if now < before => "down",
        _ => "kept",
    }
}

/// A rank's name, short where there is none.
pub(super) fn name_of(ranks: &[String], rank: Option<RankIndex>, words: Words) -> String {
    rank.and_then(|rank| ranks.get(usize::from(rank)).cloned()).unwrap_or_else(|| words.get("none").into())
}

/// Draws the moves. Who had no rank and has none is left out; `None` when nobody is left.
pub(super) fn draw(moves: &[Move], ranks: &[String], words: Words) -> Option<Flow> {
    let mut moves: Vec<Move> = moves.iter().copied().filter(|&(before, now, people)| people > 0 && (before, now) != (None, None)).collect();
    // The highest rank is on top and no rank, which sorts lowest, at the bottom.
    moves.sort_unstable_by_key(|each| std::cmp::Reverse((each.0, each.1)));
    let all: u64 = moves.iter().map(|each| each.2).sum();
    if all == 0 {
        return None;
    }
    let thickness = |people: u64| (ratio(people, all) * ALL).max(THIN);
    let (before, starts) = side(&moves, |each| each.0, thickness, ranks, words);
    let (now, ends) = side(&moves, |each| each.1, thickness, ranks, words);
    let mut bands: Vec<Band> = moves
        .iter()
        .zip(starts.iter().zip(&ends))
        .map(|(&(from, to, people), (&start, &end))| Band {
            path: path(start, end, thickness(people)),
            tone: tone(from, to),
            title: format!("{} → {}: {}", name_of(ranks, from, words), name_of(ranks, to, words), words.people(people)),
        })
        .collect();
    // Those who moved are drawn over those who stayed.
    bands.sort_by_key(|band| band.tone != "kept");
    let bottom = |nodes: &[Node]| nodes.iter().map(|node| (node.top + node.height).max(node.middle + LABEL / 2.0)).fold(0.0, f64::max);
    Some(Flow { height: bottom(&before).max(bottom(&now)).ceil(), before, now, bands })
}

/// Places the ranks of one side below each other, and tells where each band begins there.
fn side(
    moves: &[Move],
    rank_of: fn(&Move) -> Option<RankIndex>,
    thickness: impl Fn(u64) -> f64,
    ranks: &[String],
    words: Words,
) -> (Vec<Node>, Vec<f64>) {
    let mut here: Vec<Option<RankIndex>> = moves.iter().map(rank_of).collect();
    here.sort_unstable_by_key(|rank| std::cmp::Reverse(*rank));
    here.dedup();
    let mut starts = vec![0.0; moves.len()];
    let mut nodes = Vec::with_capacity(here.len());
    let mut y = 0.0;
    for rank in here {
        let bands = || moves.iter().enumerate().filter(|(_, each)| rank_of(each) == rank);
        let height: f64 = bands().map(|(_, each)| thickness(each.2)).sum();
        let slot = height.max(LABEL);
        let mut at = y + (slot - height) / 2.0;
        let name = name_of(ranks, rank, words);
        nodes.push(Node {
            label: shortened(&name),
            name,
            people: words.people(bands().map(|(_, each)| each.2).sum()),
            top: tenth(at),
            height: tenth(height),
            middle: tenth(y + slot / 2.0),
        });
        for (band, each) in bands() {
            if let Some(start) = starts.get_mut(band) {
                *start = at;
            }
            at += thickness(each.2);
        }
        y += slot + GAP;
    }
    (nodes, starts)
}

/// A name as far as it fits: letters of Latin are half as wide as others.
fn shortened(name: &str) -> String {
    let ends = name.char_indices().scan(0, |width, (at, letter)| {
        *width += if letter.is_ascii() { 1 } else { 2 };
        Some((*width, at))
    });
    match ends.into_iter().find(|(width, _)| *width > ROOM) {
        Some((_, at)) => format!("{}…", name.get(..at).unwrap_or_default()),
        None => name.to_owned(),
    }
}

/// A band from the left edge (0) to the right one (100).
fn path(start: f64, end: f64, thick: f64) -> String {
    let (a, b, c, d) = (tenth(start), tenth(end), tenth(end + thick), tenth(start + thick));
    format!("M0 {a}C50 {a} 50 {b} 100 {b}V{c}C50 {c} 50 {d} 0 {d}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::Language;

    #[test]
    fn bands_fill_their_ranks_without_overlap() {
        let ranks = ["A".to_owned(), "AA".to_owned()];
        let moves = [(Some(0), Some(0), 60), (Some(0), Some(1), 20), (Some(1), Some(0), 10), (None, Some(0), 10), (None, None, 9_000)];
        let flow = draw(&moves, &ranks, Words(Language::En)).unwrap();
        let names: Vec<_> = flow.before.iter().map(|node| (node.name.as_str(), node.people.as_str())).collect();
        assert_eq!(names, [("AA", "10"), ("A", "80"), ("none", "10")]);
        assert_eq!(
            (shortened("プラチナ会員様"), shortened("AAA+"), shortened("Platinum members")),
            ("プラチナ会員…".into(), "AAA+".into(), "Platinum mem…".into())
        );
        let heights: f64 = flow.now.iter().map(|node| node.height).sum();
        assert!((heights - ALL).abs() < 1.0, "{heights}");
        for nodes in [&flow.before, &flow.now] {
            assert!(nodes.windows(2).all(|pair| pair[0].top + pair[0].height < pair[1].top));
            assert!(nodes.iter().all(|node| node.top + node.height <= flow.height));
        }
        assert_eq!(flow.bands[0].tone, "kept");
        assert_eq!(flow.bands.iter().filter(|band| band.tone == "up").count(), 1);
        assert_eq!(flow.bands.len(), 4);
    }

    #[test]
    fn nobody_with_a_rank_is_no_picture() {
        assert!(draw(&[(None, None, 5), (Some(0), Some(1), 0)], &["A".into(), "AA".into()], Words(Language::Ja)).is_none());
    }

    #[test]
    fn moves_have_a_direction() {
        assert_eq!(
            [tone(Some(0), Some(1)), tone(Some(1), Some(0)), tone(Some(1), None), tone(None, Some(0)), tone(Some(1), Some(1))],
            ["up", "down", "down", "new", "kept"]
        );
    }
}
