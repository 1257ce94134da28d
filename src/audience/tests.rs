//! The index against what a naive filter and sort say.

use super::*;
use crate::domain::text::folded;
use crate::domain::{SkipReason, Value};
use chrono::NaiveDate;
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Someone {
    id: String,
    name: String,
    address: String,
    rank: Option<u8>,
    previous: Option<u8>,
    orders: i64,
    spend: i64,
    last_order: Option<i64>,
    fates: Vec<Fate>,
    values: Vec<Value>,
}

impl Someone {
    fn entry(&self) -> Entry<'_> {
        Entry {
            id: &self.id,
            name: &self.name,
            address: &self.address,
            rank: self.rank,
            previous: self.previous,
            orders: self.orders,
            spend: self.spend,
            last_order: self.last_order,
            fates: &self.fates,
            values: &self.values,
        }
    }

    fn shown(&self, column: usize) -> String {
        match &self.values[column] {
            Value::Null => String::new(),
            Value::Text(text) => text.clone(),
            Value::Int(number) => number.to_string(),
            Value::Date(day) => day.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

fn index(people: &[Someone]) -> Index {
    let folder = tempfile::tempdir().unwrap();
    let layout =
        Layout { campaigns: vec!["one".into(), "two".into()], columns: ["store", "visits", "note", "born"].map(str::to_owned).into() };
    let mut writer = Writer::new(layout, folder.path()).unwrap();
    for one in people {
        writer.push(&one.entry()).unwrap();
    }
    let index = writer.done(&|_, _| ()).unwrap();
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "the file has no name");
    index
}

/// What a query should find, by looking at each person.
fn naive(people: &[Someone], query: &Query) -> Vec<String> {
    let fits = |fate: &Fate| match fate {
        Fate::Unmatched => false,
        Fate::Mailed => query.mailed || (!query.skipped && query.reason.is_none()),
        Fate::Skipped(reason) => match query.reason {
            Some(wanted) => wanted == *reason,
            None => query.skipped || !query.mailed,
        },
    };
    let asks = query.campaign.is_some() || query.mailed || query.skipped || query.reason.is_some();
    let means = |one: &&Someone| {
        let fates = match query.campaign {
            Some(at) => one.fates.get(at).is_some_and(fits),
            None => one.fates.iter().any(fits),
        };
        let name = folded(&one.name);
        let texts = [name.clone(), name.split_whitespace().collect(), folded(&one.id), folded(&one.address)];
        let words = folded(&query.text);
        (!asks || fates)
            && query.rank.is_none_or(|rank| rank == one.rank)
            && query.previous.is_none_or(|rank| rank == one.previous)
            && words.split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
            && query.filters.iter().all(|filter| match &filter.wanted {
                Wanted::Is(text) => one.shown(filter.column) == *text,
                Wanted::Has(text) => folded(&one.shown(filter.column)).contains(&folded(text)),
            })
    };
    let mut found: Vec<(usize, &Someone)> = people.iter().enumerate().filter(|(_, one)| means(one)).collect();
    let number = |one: &Someone| -> Option<i64> {
        match query.sort {
            Sort::Rank => one.rank.map(i64::from),
            Sort::Orders => Some(one.orders),
            Sort::Spend => Some(one.spend),
            Sort::LastOrder => one.last_order,
            Sort::Column(1) => one.shown(1).parse().ok(),
            _ => None,
        }
    };
    let text = |one: &Someone| match query.sort {
        Sort::Id => one.id.clone(),
        Sort::Name => one.name.clone(),
        Sort::Address => one.address.clone(),
        Sort::Column(at) if at != 1 => folded(&one.shown(at)),
        _ => String::new(),
    };
    let is_nothing = |one: &Someone| number(one).is_none() && text(one).is_empty();
    found.sort_by(|(at, one), (other_at, other)| {
        let by = (number(one), text(one), at).cmp(&(number(other), text(other), other_at));
        let by = if query.descending && !is_nothing(one) { by.reverse() } else { by };
        is_nothing(one).cmp(&is_nothing(other)).then(by)
    });
    found.into_iter().map(|(_, one)| one.id.clone()).collect()
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Unmatched), Just(Fate::Mailed), (0..SkipReason::ALL.len()).prop_map(|at| Fate::Skipped(SkipReason::ALL[at]))]
}

fn someone() -> impl Strategy<Value = Someone> {
    let rank = || proptest::option::of(0_u8..3);
    let text = || prop_oneof!["[ab 山ﾋﾞAB\u{ff21}\n]{0,6}", Just(String::new()), "\\PC{0,20}"];
    let day = |day| NaiveDate::from_num_days_from_ce_opt(day).map_or(Value::Null, Value::Date);
    let values = (
        prop_oneof![Just(Value::Null), "[京大]".prop_map(Value::Text)],
        prop_oneof![Just(Value::Null), (-20_i64..200).prop_map(Value::Int)],
        text().prop_map(Value::Text),
        (700_000_i32..700_900).prop_map(day),
    );
    let numbers = (0_i64..4, -9_i64..9, proptest::option::of(0_i64..5));
    (text(), text(), rank(), rank(), numbers, proptest::collection::vec(fate(), 2), values).prop_map(
        |(name, address, rank, previous, (orders, spend, last_order), fates, values)| Someone {
            id: String::new(),
            name,
            address,
            rank,
            previous,
            orders,
            spend,
            last_order,
            fates,
            values: vec![values.0, values.1, values.2, values.3],
        },
    )
}

fn query() -> impl Strategy<Value = Query> {
    let rank = || proptest::option::of(proptest::option::of(0_u8..3));
    let wanted = || prop_oneof!["[京大]".prop_map(Wanted::Is), "[a山ビ京1-]{0,1}".prop_map(Wanted::Has)];
    let filters = proptest::collection::vec((0_usize..4, wanted()).prop_map(|(column, wanted)| Filter { column, wanted }), 0..2);
    let sort = prop_oneof![
        Just(Sort::Id),
        Just(Sort::Name),
        Just(Sort::Address),
        Just(Sort::Rank),
        Just(Sort::Orders),
        Just(Sort::Spend),
        Just(Sort::LastOrder),
        (0_usize..4).prop_map(Sort::Column),
    ];
    let fates = (proptest::option::of(0_usize..2), any::<[bool; 3]>(), 0..SkipReason::ALL.len());
    ((fates, rank(), rank()), "[ab 山ﾋﾞ1]{0,2}", filters, sort, any::<bool>(), (0_usize..9, 0_usize..9)).prop_map(
        |(((campaign, [mailed, skipped, has_reason], reason), rank, previous), text, filters, sort, descending, (from, many))| Query {
            campaign,
            mailed,
            skipped: skipped && !mailed,
            reason: (has_reason && !mailed).then_some(SkipReason::ALL[reason]),
            rank,
            previous,
            text,
            filters,
            sort,
            descending,
            from,
            many,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn an_index_finds_whom_looking_at_each_finds(
        mut people in proptest::collection::vec(someone(), 0..60),
        times in prop_oneof![3 => Just(1_usize), 1 => 20_usize..40],
        queries in proptest::collection::vec(query(), 24),
    ) {
        // Often enough to fill several blocks.
        people = (0..times).flat_map(|_| people.clone()).collect();
        for (at, one) in people.iter_mut().enumerate() {
            one.id = format!("{}-{}", ["a", "B", "山"][at % 3], at * 7919 % 10_007);
        }
        let index = index(&people);
        for query in queries {
            let expected = naive(&people, &query);
            let found = index.find(&query).unwrap();
            prop_assert_eq!(found.count, expected.len(), "{:?}", query);
            // Behind the last page is the last page.
            let last = expected.len().saturating_sub(1).checked_div(query.many).unwrap_or(0) * query.many;
            let from = if query.from < expected.len() { query.from } else { last };
            let page: Vec<String> = expected.into_iter().skip(from).take(query.many).collect();
            let ids: Vec<String> = found.rows.iter().map(|row| row.id.clone()).collect();
            prop_assert_eq!(ids, page, "{:?}", query);
        }
        for one in people.iter().step_by(7) {
            let row = index.by_id(&one.id).unwrap().unwrap();
            prop_assert_eq!((&row.name, &row.address, row.rank, row.previous), (&one.name, &one.address, one.rank, one.previous));
            prop_assert_eq!((row.orders, row.spend, row.last_order, &row.fates), (one.orders, one.spend, one.last_order, &one.fates));
            let shown: Vec<String> = (0..4).map(|column| one.shown(column)).collect();
            prop_assert_eq!(row.values, shown);
        }
        prop_assert_eq!(index.by_id("nobody").unwrap(), None);
    }
}

#[test]
fn values_that_turn_out_to_be_many_are_found_as_before() {
    let people: Vec<Someone> = (0..9_000_i64)
        .map(|at| Someone {
            id: format!("{at:05}"),
            name: String::new(),
            address: format!("{at}@shop.example"),
            rank: None,
            previous: None,
            orders: 0,
            spend: 0,
            last_order: None,
            fates: Vec::new(),
            values: vec![
                Value::Text(["京都", "大阪"][usize::try_from(at % 2).unwrap()].into()),
                Value::Int(at % 7_000),
                Value::Text(format!("Note {}", at % 5_000)),
                Value::Null,
            ],
        })
        .collect();
    let index = index(&people);
    assert_eq!(index.values(0), Some(vec!["京都", "大阪"]));
    assert_eq!([index.values(1), index.values(2), index.values(3)], [None, None, Some(vec![])]);
    let ids = |query: Query| {
        let found = index.find(&Query { many: 3, ..query }).unwrap();
        (found.count, found.rows.into_iter().map(|row| row.id).collect::<Vec<_>>())
    };
    let filter = |column, wanted| Query { filters: vec![Filter { column, wanted }], ..Query::default() };
    assert_eq!(ids(filter(1, Wanted::Is("42".into()))), (2, vec!["00042".into(), "07042".into()]));
    assert_eq!(ids(filter(2, Wanted::Has("ＮＯＴＥ 499".into()))).0, 2 + 10);
    // Numbers are sorted as numbers, however many there are.
    let by_visits = Query { sort: Sort::Column(1), descending: true, ..Query::default() };
    assert_eq!(ids(by_visits), (9_000, vec!["06999".into(), "06998".into(), "06997".into()]));
    let text = Query { text: "8999@shop".into(), ..Query::default() };
    assert_eq!(ids(text), (1, vec!["08999".into()]));
}

#[test]
fn names_of_any_length_are_kept_within_bounds() {
    let long = "あ".repeat(700_000);
    let one = |id: &str, name: &str| Someone {
        id: id.into(),
        name: name.into(),
        address: String::new(),
        rank: Some(1),
        previous: None,
        orders: 0,
        spend: 0,
        last_order: None,
        fates: vec![Fate::Mailed],
        values: Vec::new(),
    };
    let index = index(&[one("1", &long), one("2", "\u{0}\u{10ffff}"), one("3", &format!("{long}い"))]);
    assert_eq!(index.people(), 3);
    let found = index.find(&Query { text: "\u{10ffff}".into(), many: 9, ..Query::default() }).unwrap();
    assert_eq!(found.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["2"]);
    let row = index.by_id("3").unwrap().unwrap();
    assert!(row.name.len() <= 1 << 20 && row.name.len() > 1_000_000 && row.name.starts_with('あ'));
    // Questions are bounded too.
    let asked = Query { text: long.clone(), many: usize::MAX, from: usize::MAX, ..Query::default() };
    assert_eq!(index.find(&asked).unwrap().count, 2);
    assert_eq!(index.find(&Query { campaign: Some(9), ..Query::default() }).unwrap().count, 0);
    assert_eq!(index.find(&Query { mailed: true, ..Query::default() }).unwrap().count, 3);
}
