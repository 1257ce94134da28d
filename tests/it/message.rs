//! The templates of this repository as mails, and bad templates as errors.

use chrono::NaiveDate;
use rankmail::domain::campaign::{RankMove, When};
use rankmail::domain::job::Language;
use rankmail::domain::ladder::{Admission, Closing, Condition, Down, Review, Up, Window};
use rankmail::domain::offer::{CodeSource, Discount, Gift, OfferKind, On, Valid};
use rankmail::domain::{Campaign, Channel, Currency, Ladder, OfferRule, Once, Rank, RankIndex, RankRange, Value};
use rankmail::message::{Content, Error, Law, Names, Templates, hash};
use rankmail::pipeline::sample;
use rankmail::runs::{values_read, values_text};
use std::path::{Path, PathBuf};

const RANKS: [&str; 5] = ["A", "AA", "AA+", "AAA", "VIP"];

fn ladder() -> Ladder {
    let rank = |name: &&str| Rank {
        name: (*name).to_owned(),
        was: Vec::new(),
        admits: Admission::AnyOf(vec![Condition { orders: Some(1), ..Condition::default() }]),
        keep: None,
    };
    Ladder {
        of: None,
        closing: Closing::Month,
        window: Window::Months(12),
        settle_days: 0,
        review: Review::Monthly,
        up: Up::AtOnce,
        down: Down::ToQualifying,
        grace: 0,
        keep_for_months: 6,
        ranks: RANKS.iter().map(rank).collect(),
    }
}

fn campaign(name: &str, ranks: &[RankIndex], sells: bool, offer: Option<OfferKind>, valid: Option<Valid>) -> Campaign {
    Campaign {
        name: name.to_owned(),
        ranks: RankRange::Ranks(ranks.to_vec()),
        when: When::default(),
        wheres: Vec::new(),
        once: Once::Occasion,
        sells,
        not_with: Vec::new(),
        reduced_by: Vec::new(),
        discounts: None,
        share: None,
        variants: Vec::new(),
        offer: offer.map(|kind| OfferRule { valid, ..OfferRule::of(kind) }),
        holdout: true,
        counts_towards_limit: true,
        send: None,
        from: None,
        reply_to: None,
        allow: Vec::new(),
        channels: vec![Channel::Mail],
        costs: Vec::new(),
        budget: None,
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The campaigns of the demo job, as far as their mails differ.
fn campaigns() -> Vec<Campaign> {
    let same = |value: f64| Discount::Percent(vec![Some(value); 5]);
    let gift = OfferKind::Gift {
        choose_by: Some("likes".into()),
        gifts: vec![Gift { likes: "肉".into(), gift: "近江牛 すき焼き".into(), never_with: Vec::new() }],
        allergies: None,
        otherwise: Some("お手紙とお花".into()),
    };
    let invitation = OfferKind::Invitation {
        what: "春の新作を一緒に選ぶ会".into(),
        on: Some(day("2027-01-24")),
        place: Some("京都本店".into()),
        reply_url: Some("https://tsubaki.example/salon".into()),
        seats: None,
    };
    let birthday = OfferKind::Coupon {
        discount: Discount::Percent(vec![Some(5.0), Some(8.0), Some(10.0), Some(10.0), None]),
        over: vec![None; 5],
        on: None,
        code: CodeSource::Own,
    };
    let amount =
        OfferKind::Coupon { discount: Discount::Amount(vec![Some(500); 5]), over: vec![Some(5_000); 5], on: None, code: CodeSource::Own };
    let event = OfferKind::Coupon {
        discount: same(15.0),
        over: vec![None; 5],
        on: Some(On { category: vec!["プレミアム".into()], product: Vec::new() }),
        code: CodeSource::Fixed("WINTER15".into()),
    };
    let bundle = OfferKind::Bundle { steps: vec![(2, 10.0), (3, 15.0)], on: None };
    let mut rank_up = campaign("rank_up", &[1, 2, 3, 4], false, None, None);
    rank_up.when.rank = Some(RankMove::Up);
    let mut newsletter = campaign("newsletter", &[1, 2, 3], true, Some(bundle), None);
    newsletter.offer = newsletter.offer.map(|rule| OfferRule { ranks: Some(vec![1, 3]), ..rule });
    vec![
        campaign("vip_gift", &[4], false, Some(gift), None),
        campaign("vip_invitation", &[4], false, Some(invitation), None),
        campaign("birthday", &[0, 1, 2, 3], true, Some(birthday), Some(Valid::ThisMonth)),
        campaign("birthday_vip", &[4], false, None, None),
        campaign("anniversary", &[0, 1, 2, 3, 4], false, None, None),
        rank_up,
        campaign("keep_your_rank", &[1, 2, 3], true, None, None),
        campaign("win_back", &[0, 1, 2, 3], true, Some(amount), Some(Valid::Days(31))),
        campaign("cross_sell", &[3], true, None, None),
        campaign("event", &[2], true, Some(event), Some(Valid::Until(day("2026-12-25")))),
        newsletter,
    ]
}

fn shop() -> Vec<(String, String)> {
    [
        ("name", "つばき堂"),
        ("address", "〒604-0000 京都市中京区御池通椿町1-2"),
        ("contact", "support@tsubaki.example"),
        ("url", "https://tsubaki.example"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec()
}

fn names(columns: Option<&[&str]>) -> Names {
    Names {
        elsewhere: Vec::new(),
        customer: columns.map(|columns| columns.iter().map(|name| (*name).to_owned()).collect()),
        without_mail: Vec::new(),
        variants: Vec::new(),
        shop: shop().into_iter().map(|(key, _)| key).collect(),
        currency: Currency { code: "JPY".into(), digits: 0 },
        language: Language::Ja,
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")
}

fn templates() -> Templates {
    let names: Vec<String> = campaigns().into_iter().map(|campaign| campaign.name).collect();
    Templates::load(&root(), &names, &owned(&RANKS), &self::names(Some(&[]))).unwrap_or_else(|error| panic!("{error}"))
}

fn values(campaign: &Campaign, rank: RankIndex) -> Value {
    sample(campaign, &ladder(), Some(rank), day("2026-12-01"), &[])
}

/// Every mail that the demo's templates can make: campaign, rank, values, content.
fn mails() -> Vec<(Campaign, RankIndex, Value, Content)> {
    let (templates, ladder) = (templates(), ladder());
    let mut mails = Vec::new();
    for campaign in campaigns() {
        let RankRange::Ranks(ranks) = campaign.ranks.clone() else { panic!("every campaign has ranks") };
        for rank in ranks {
            let values = values(&campaign, rank);
            let content = templates.render(&campaign.name, None, Some(ladder.name(rank)), &values, &shop());
            mails.push((campaign.clone(), rank, values, content.unwrap_or_else(|error| panic!("{error}"))));
        }
    }
    mails
}

#[test]
fn each_template_renders_as_it_did() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("rendered");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _bound = settings.bind_to_scope();
    let mut seen = Vec::new();
    for (campaign, rank, _, content) in mails() {
        let own = root().join(&campaign.name).join(format!("body.{}.html", ladder().name(rank))).exists();
        if own || !seen.contains(&campaign.name) {
            let name = if own { format!("{}_{}", campaign.name, ladder().name(rank)) } else { campaign.name.clone() };
            seen.push(campaign.name.clone());
            insta::assert_snapshot!(
                format!("{name}.text"),
                format!("{}\n{}\n\n{}", content.subject, content.preheader.unwrap_or_default(), content.text)
            );
            insta::assert_snapshot!(format!("{name}.html"), content.html);
        }
    }
    assert_eq!(seen.len(), campaigns().len() + 1, "rank_up has a body of its own for VIP");
}

#[test]
fn each_mail_shows_what_the_law_asks_and_says_no_more_than_it_may() {
    for (campaign, _, values, content) in mails() {
        let link = "https://shop.example/u/1.sample.sample";
        Law::of(&shop()).holds(&content, link).unwrap_or_else(|missing| panic!("{}: {missing}", campaign.name));
        assert!(content.subject.chars().count() <= 20, "{} is long", content.subject);
        assert!(!content.html.contains("{{") && !content.text.contains("{%"));
        assert!(content.text.contains("山田 花子様"));
        assert!(content.is_mirror, "the text of {} takes the long way", campaign.name);
        if !campaign.sells {
            let sells = ["円", "クーポン", "%引き", "https://tsubaki.example\""];
            assert!(sells.iter().all(|word| !content.html.contains(word)), "{} sells something", campaign.name);
        }
        if let Some(preheader) = &content.preheader {
            assert!(content.html.contains(preheader.as_str()) && !content.text.contains(preheader.as_str()), "{}", campaign.name);
        }
        assert_eq!(values.get("campaign").and_then(|of| of.get("name")), Some(&Value::Text(campaign.name)));
    }
}

#[test]
fn a_mail_is_the_same_after_a_way_through_json() {
    let templates = templates();
    for (campaign, rank, values, content) in mails() {
        let back = values_read(&values_text(&values)).unwrap();
        let again = templates.render(&campaign.name, None, Some(ladder().name(rank)), &back, &shop()).unwrap();
        assert_eq!(hash("a@b.example", &again), hash("a@b.example", &content));
        assert_eq!(again, content);
    }
}

#[test]
fn only_the_campaigns_that_tell_of_it_ask_for_the_last_order() {
    let templates = templates();
    assert!(templates.uses_last_order());
    let asking: Vec<String> =
        campaigns().into_iter().map(|campaign| campaign.name).filter(|name| templates.uses(name, "last_order.items")).collect();
    assert_eq!(asking, ["win_back"]);
    assert!(templates.uses("birthday", "offer.code"), "the coupon component uses it");
    assert!(!templates.uses("anniversary", "offer"));
    assert!(templates.files().iter().any(|(name, digest)| name == "parts/coupon.html" && digest.len() == 64));
}

#[test]
fn a_distance_that_is_missing_leaves_no_trace() {
    let (templates, ladder) = (templates(), ladder());
    for campaign in campaigns() {
        let values = values(&campaign, 3);
        let Value::Record(mut fields) = values else { panic!("values are a record") };
        for (name, field) in &mut fields {
            if name == "rank" && campaign.name != "keep_your_rank" {
                let Value::Record(rank) = field else { panic!("rank is a record") };
                rank.iter_mut().filter(|(name, _)| name == "next" || name == "keep").for_each(|(_, field)| *field = Value::Null);
            }
            if name == "customer" {
                *field = Value::Record(vec![("id".into(), "C1".into()), ("name".into(), Value::Null)]);
            }
        }
        let content = templates.render(&campaign.name, None, Some(ladder.name(3)), &Value::Record(fields), &shop());
        let content = content.unwrap_or_else(|error| panic!("{error}"));
        assert!(content.text.contains("お客様") && !content.text.contains("次のランクまで"), "{}", content.text);
    }
}

/// Writes a case into a folder: sections that begin with `== path`.
fn unpack(case: &str, into: &Path) {
    for section in case.split("== ").skip(1) {
        let (name, text) = section.split_once('\n').unwrap();
        let path = into.join(name.trim());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn load(root: &Path) -> Result<Templates, Error> {
    Templates::load(root, &owned(&["birthday"]), &owned(&RANKS), &names(Some(&["nickname", "会員番号", "store"])))
}

#[test]
fn bad_templates_are_told_with_file_line_and_help() {
    insta::glob!("bad_templates/*.txt", |path| {
        let root = tempfile::tempdir().unwrap();
        unpack(&std::fs::read_to_string(path).unwrap(), root.path());
        let error = load(root.path()).expect_err("these templates are bad");
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(error.to_string()) });
    });
}

/// A small campaign whose body is this.
fn one(body: &str) -> (tempfile::TempDir, Templates) {
    let root = tempfile::tempdir().unwrap();
    unpack(&format!("== birthday/subject.txt\nHello {{{{ customer.name }}}}\n== birthday/body.html\n{body}"), root.path());
    let templates = load(root.path()).unwrap_or_else(|error| panic!("{error}"));
    (root, templates)
}

fn customer(fields: Vec<(&str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned().into(), value)).collect();
    Value::Record(vec![("customer".into(), Value::Record(fields))])
}

#[test]
fn a_missing_value_is_an_error_with_its_place() {
    let (_root, templates) = one("<p>one</p>\n<p>{{ customer.nickname }}</p>\n");
    let error =
        templates.render("birthday", None, None, &customer(vec![("name", "a".into()), ("nickname", Value::Null)]), &shop()).unwrap_err();
    assert_eq!((error.file.as_str(), error.line, error.column), ("birthday/body.html", 2, 7), "{error}");
    assert!(error.message.starts_with("`customer.nickname` has no value here"), "{error}");
    let (_root, templates) = one("{{ customer.nickname or customer.name }}, {% if customer.nickname %}x{% endif %}{{ offer.code }}\n");
    let error = templates.render("birthday", None, None, &customer(vec![("name", "a".into())]), &shop()).unwrap_err();
    assert!(error.message.contains("`offer` has no value here; put `{% if offer %}` around it"), "{error}");
}

#[test]
fn a_customer_cannot_write_html_headers_or_templates() {
    let (_root, templates) = one("<p>{{ customer.name }}</p>\n");
    let name = "<script>{{ shop.url }}\r\nBcc: x@evil.example";
    let content = templates.render("birthday", None, None, &customer(vec![("name", name.into())]), &shop()).unwrap();
    assert_eq!(content.subject, "Hello <script>{{ shop.url }} Bcc: x@evil.example");
    assert!(content.html.contains("&lt;script&gt;{{ shop.url }}"), "{}", content.html);
}

#[test]
fn a_loop_cannot_fill_the_memory() {
    let (_root, templates) = one("{% for a in range(end=100000) %}{% for b in range(end=100000) %}more and more{% endfor %}{% endfor %}\n");
    let error = templates.render("birthday", None, None, &customer(vec![("name", "a".into())]), &shop()).unwrap_err();
    assert!(error.message.contains("more than 1024 KiB"), "{error}");
}

#[test]
fn good_templates_pass_the_scanner() {
    let body = r#"{% set who = customer %}{{ who.nickname or "a" }}
{% for item in last_order.items %}{{ item.name }}{{ loop.index }}{% else %}none{% endfor %}
{% for key, value in {"a": 1, "b": customer["会員番号"]} %}{{ key }}{{ value }}{% endfor %}
{{ [item.name for item in last_order.items if item.price > 100] | join(sep=", ") }}
{{ "a" if offer is defined and not rank.next?.name else "b" ~ "c" }}
{% raw %}{{ nonsense.here }}{% endraw %}{# {{ nonsense }} #}{{ "{{ text }}" }}
{{ last_order.items[0].name | default(value=shop.name) }}{{ as_of | date(year=true) }}
{% filter upper | trim %}a{% endfilter %}{% set text %}block{% endset %}{{ text }}{{ range(end=2) | length }}
{% if 1 < rank.next.orders and metrics.spend >= 3 %}x{% endif %}{{ customer.store | truncate(length=3) }}
"#;
    let _ = one(body);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let (root, _) = one("a");
    let outside = root.path().join("outside.txt");
    std::fs::write(&outside, "secret").unwrap();
    std::os::unix::fs::symlink(&outside, root.path().join("birthday/preheader.txt")).unwrap();
    let Err(Error::Problems(problems)) = load(root.path()) else { panic!("a link was followed") };
    assert_eq!(problems.first().unwrap().file, "birthday/preheader.txt");
}

#[test]
fn a_folder_of_another_jobs_campaign_is_only_a_warning() {
    let (root, _) = one("a");
    unpack("== birthdays/body.html\n{{ nonsense }}\n", root.path());
    let templates = load(root.path()).unwrap();
    let [warning] = templates.warnings() else { panic!("{:?}", templates.warnings()) };
    assert_eq!((warning.file.as_str(), warning.help.as_deref()), ("birthdays", Some("did you mean the campaign `birthday`?")));
}

#[test]
fn styles_move_into_elements_when_asked() {
    let (_root, templates) = one("<html><head><style>p { color: red }</style></head><body><p>a</p></body></html>\n");
    let values = customer(vec![("name", "a".into())]);
    assert!(!templates.render("birthday", None, None, &values, &shop()).unwrap().html.contains("style=\""));
    let html = templates.inline_css(true).render("birthday", None, None, &values, &shop()).unwrap().html;
    assert!(html.contains("<p style=\"color: red;\">"), "{html}");
}

/// The cells of a table's rows below a heading of `docs/templates.md`, code marks and escapes taken off.
fn table(heading: &str) -> Vec<Vec<String>> {
    let docs = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/templates.md")).unwrap();
    let section = docs.split(&format!("## {heading}\n")).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let cells =
        |row: &str| row.replace("\\|", "\u{1}").split('|').map(|cell| cell.trim().trim_matches('`').replace('\u{1}', "|")).collect();
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

#[test]
fn the_docs_list_names_that_exist_and_filters_as_they_write() {
    let names: Vec<String> =
        table("The names").into_iter().filter_map(|row| row.into_iter().nth(1)).filter(|name| !name.contains("COLUMN")).collect();
    assert!(names.len() > 40, "{names:?}");
    let tests: Vec<String> = names.iter().map(|name| format!("{{% if {name} %}}x{{% endif %}}")).collect();
    let _ = one(&tests.join("\n"));
    for row in table("Filters") {
        let [_, written, expected, _] = row.as_slice() else { panic!("{row:?}") };
        let (_root, templates) = one(written);
        let content = templates.render("birthday", None, None, &customer(vec![("name", "a".into())]), &shop()).unwrap();
        assert_eq!(content.html.trim(), expected);
    }
}
