//! Where customers live and how else they can be reached. Streets, numbers and ids are made up.

use super::dice::Dice;

/// Besides the mail address.
#[derive(Default)]
pub struct Home {
    pub postal_code: Option<String>,
    pub address: Option<String>,
    pub phone: Option<String>,
    pub line_id: Option<String>,
    /// What must not be sent to them, several with a comma of theirs.
    pub allergies: Option<String>,
    /// The same for those who keep house together.
    pub household: Option<String>,
}

const TOWNS: [(&str, &str); 12] = [
    ("604-00", "京都府京都市中京区椿町"),
    ("600-00", "京都府京都市下京区茶屋町"),
    ("606-00", "京都府京都市左京区桜井町"),
    ("611-00", "京都府宇治市新茶一丁目"),
    ("530-00", "大阪府大阪市北区花園町"),
    ("542-00", "大阪府大阪市中央区菓子町"),
    ("650-00", "兵庫県神戸市中央区港山手"),
    ("460-00", "愛知県名古屋市中区錦通"),
    ("103-00", "東京都中央区日本橋茶町"),
    ("160-00", "東京都新宿区若葉台三丁目"),
    ("220-00", "神奈川県横浜市西区みどり坂"),
    ("810-00", "福岡県福岡市中央区天神南町"),
];

const ALLERGIES: [&str; 7] = ["牛肉", "小麦", "卵", "乳", "そば", "牛肉、乳", "花粉"];

/// The home of a household; a stream of its own, so that it does not change how anybody buys.
pub fn home(seed: u64, household: u32) -> Home {
    let mut dice = Dice::new(seed ^ 0x68_6f_6d_65, u64::from(household));
    let (code, town) = *dice.pick(&TOWNS);
    let (block, house, room) = (dice.between(1, 9), dice.between(1, 29), dice.between(101, 1_204));
    let flat = dice.per_mille(450);
    let address = if flat { format!("{town}{block}-{house} つばきハイツ{room}号") } else { format!("{town}{block}-{house}") };
    let known = !dice.per_mille(60);
    Home {
        postal_code: known.then(|| format!("{code}{:02}", dice.below(100))),
        address: known.then_some(address),
        phone: dice.per_mille(700).then(|| format!("0{}0-0000-{:04}", dice.pick(&[7, 8, 9]), dice.below(10_000))),
        line_id: dice.per_mille(350).then(|| format!("U{:016x}{:016x}", dice.below(i64::MAX), dice.below(i64::MAX))),
        household: None,
        allergies: dice.per_mille(90).then(|| (*dice.pick(&ALLERGIES)).to_owned()),
    }
}
