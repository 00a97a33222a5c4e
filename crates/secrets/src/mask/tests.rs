//! What is masked, in every form and however it is cut; against a slow way to do the same.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

fn masker(values: &[&str]) -> Masker {
    let secrets: Vec<_> = values.iter().map(|v| Secret::new(v).unwrap()).collect();
    Masker::new(&secrets).unwrap()
}

#[test]
fn values_are_masked_wherever_they_stand() {
    let masker = masker(&["hunter2-hunter2", "other-value"]);
    assert_eq!(
        masker.mask("a=hunter2-hunter2, b=other-value, hunter2"),
        "a=***, b=***, hunter2"
    );
    assert_eq!(masker.mask("hunter2-hunter2hunter2-hunter2"), "******");
    assert_eq!(
        masker.mask_bytes(b"\xffother-value\xfe").as_ref(),
        b"\xff***\xfe"
    );
    let plain = "nothing here";
    assert!(matches!(masker.mask(plain), Cow::Borrowed(same) if same == plain));
    assert!(matches!(masker.mask_bytes(b"nothing"), Cow::Borrowed(_)));
}

#[test]
fn nothing_that_is_known_can_be_printed() {
    let masker = masker(&["hunter2-hunter2"]);
    let mut stream = masker.stream();
    stream.push(b"hunter2-hunt", &mut Vec::new());
    assert!(!format!("{masker:?}{stream:?}").contains("hunter2"));
}

#[test]
fn short_values_are_left_alone() {
    let short = Secret::new("1234567").unwrap();
    assert!(!Masker::covers(&short));
    let masker = Masker::new(&[short]).unwrap();
    assert!(masker.is_empty());
    assert_eq!(masker.mask("1234567"), "1234567");
    let mut out = Vec::new();
    let mut stream = masker.stream();
    stream.push(b"1234567", &mut out);
    assert_eq!(out, b"1234567");
}

#[test]
fn where_values_overlap_all_of_both_is_covered() {
    let masker = masker(&["abcdefgh", "efghijkl", "cdefghij-long"]);
    assert_eq!(masker.mask("-abcdefghijkl-"), "-***-");
    assert_eq!(masker.mask("abcdefghij-longer"), "***er");
    let nested = self::masker(&["12345678", "0123456789"]);
    assert_eq!(nested.mask("0123456789 12345678"), "*** ***");
}

#[test]
fn a_bearer_of_base64_is_masked_at_every_place() {
    let masker = masker(&["s3cret-pass/word"]);
    for user in ["u", "us", "use", "user"] {
        let basic = STANDARD.encode(format!("{user}:s3cret-pass/word"));
        let masked = masker.mask(&basic).into_owned();
        assert!(masked.contains(MASK) && masked.len() < 15, "{masked}");
        let url = URL_SAFE_NO_PAD.encode(format!("{user}:s3cret-pass/word&more"));
        assert!(masker.mask(&url).contains(MASK));
    }
    assert_eq!(masker.mask(&STANDARD.encode("s3cret-pass/word")), MASK);
}

#[test]
fn a_result_that_holds_json_in_json_is_masked() {
    let value = "-----BEGIN KEY-----\nab\"c/d\\e\n-----END KEY-----\n";
    let masker = masker(&[value]);
    let inner = format!("{{\"env\":{}}}", wire_quote(value));
    let outer = format!("{{\"text\":{}}}", wire_quote(&inner));
    assert_eq!(masker.mask(&inner), "{\"env\":\"***\"}");
    assert_eq!(
        masker.mask(&outer),
        "{\"text\":\"{\\\"env\\\":\\\"***\\\"}\"}"
    );
}

/// A JSON string of this text.
fn wire_quote(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}

#[test]
fn a_long_value_that_repeats_itself_costs_no_more_than_another() {
    let value = "abcdefgh/123".repeat(5_000);
    let masker = masker(&[&value]);
    let text = format!("{value}{}", &value[..value.len() - 1]);
    assert_eq!(masker.mask(&text), MASK.to_owned() + &value[..11]);
}

#[test]
fn more_than_can_be_masked_is_an_error() {
    let long = |n: usize| Secret::new(&format!("{n}\"").repeat(10_000)).unwrap();
    let secrets: Vec<_> = (100..200).map(long).collect();
    assert_eq!(Masker::new(&secrets).unwrap_err(), MaskError::TooMuch);
}

/// `cargo test --release -p portolan-secrets -- --ignored --nocapture`
#[test]
#[ignore = "measures"]
fn how_long_a_result_of_64_kb_takes() {
    let line = "{\"id\":4711,\"title\":\"An issue of many\",\"body\":\"It does not work, with token ghp_\"},\n";
    let text = line.repeat((64 << 10) / line.len() + 1);
    let text = &text[..64 << 10];
    let token = |n: u64| {
        let mixed = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("ghp_{mixed:016x}{:016x}", mixed.rotate_left(29))
    };
    let awkward = |n: u64| format!("{}/+\"\\ é\n", token(n));
    for (what, values) in [
        ("1 token", (0..1).map(token).collect::<Vec<_>>()),
        ("20 tokens", (0..20).map(token).collect()),
        ("200 tokens", (0..200).map(token).collect()),
        ("20 awkward ones", (0..20).map(awkward).collect()),
        ("1 of 64 kB", vec![token(0).repeat(1800)]),
        ("1 awkward of 64 kB", vec![awkward(0).repeat(1400)]),
    ] {
        let values: Vec<_> = values.iter().map(|v| Secret::new(v).unwrap()).collect();
        let begun = std::time::Instant::now();
        let masker = Masker::new(&values).unwrap();
        let built = begun.elapsed();
        let dirty = text.replace("It does", values[0].reveal());
        let best = |text: &str| {
            let once = || {
                let begun = std::time::Instant::now();
                std::hint::black_box(masker.mask(std::hint::black_box(text)));
                begun.elapsed()
            };
            (0..200).map(|_| once()).min().unwrap()
        };
        let memory = masker.0.as_ref().unwrap().automaton.memory_usage();
        let dirty = &dirty[..dirty.floor_char_boundary(64 << 10)];
        println!(
            "{what}: built in {built:?}, {memory} bytes; 64 kB without values {:?}, with {:?}",
            best(text),
            best(dirty)
        );
    }
}

/// Every byte that belongs to a form, found by looking everywhere.
fn slow(values: &[String], text: &[u8]) -> Vec<u8> {
    let forms: Vec<_> = values.iter().flat_map(|v| forms::of(v)).collect();
    let mut spans = Vec::new();
    for end in 1..=text.len() {
        for form in forms.iter().filter(|form| form.len() >= MASK_BYTES_MIN) {
            if text[..end].ends_with(form.as_bytes()) {
                cover(&mut spans, end - form.len()..end);
            }
        }
    }
    let mut out = Vec::new();
    let mut at = 0;
    for span in spans {
        out.extend(&text[at..span.start]);
        out.extend(MASK.as_bytes());
        at = span.end;
    }
    out.extend(&text[at..]);
    out
}

/// Values of few letters, so that they overlap; texts of these values and pieces of them.
fn values_and_text() -> impl Strategy<Value = (Vec<String>, String)> {
    prop::collection::vec("[ab\"é /]{8,12}", 1..4).prop_flat_map(|values| {
        let forms: Vec<_> = values.iter().flat_map(|v| forms::of(v)).collect();
        let piece = prop_oneof![
            prop::sample::select(forms),
            prop::sample::select(values.clone()),
            "[ab\"é /]{0,9}",
        ];
        let text = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
        (Just(values), text)
    })
}

proptest! {
    #[test]
    fn it_agrees_with_the_slow_way((values, text) in values_and_text()) {
        let masker = masker(&values.iter().map(String::as_str).collect::<Vec<_>>());
        let masked = masker.mask(&text);
        prop_assert_eq!(masked.as_bytes(), slow(&values, text.as_bytes()));
        prop_assert!(masker.mask_bytes(text.as_bytes()) == masked.as_bytes());
        for value in &values {
            for form in forms::of(value).iter().filter(|form| form.len() >= MASK_BYTES_MIN) {
                prop_assert!(!masked.contains(form.as_str()), "{} in {}", form, masked);
            }
        }
    }

    #[test]
    fn a_stream_is_masked_the_same_however_it_is_cut(
        (values, text) in values_and_text(),
        cuts in prop::collection::vec(1usize..20, 1..40),
    ) {
        let masker = masker(&values.iter().map(String::as_str).collect::<Vec<_>>());
        let mut stream = masker.stream();
        let mut out = Vec::new();
        let mut rest = text.as_bytes();
        for cut in cuts {
            let (piece, more) = rest.split_at(cut.min(rest.len()));
            stream.push(piece, &mut out);
            rest = more;
        }
        stream.push(rest, &mut out);
        stream.finish(&mut out);
        prop_assert_eq!(out, masker.mask_bytes(text.as_bytes()).into_owned());
    }

    #[test]
    fn base64_of_whatever_stands_around_a_value_is_masked(
        value in "[ -~]{12,40}", before in prop::collection::vec(any::<u8>(), 0..9), after in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let masker = masker(&[&value]);
        let bytes = [&before, value.as_bytes(), &after].concat();
        for text in [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            prop_assert!(masker.mask(&text).contains(MASK), "{}", text);
        }
    }
}
