//! Any list of files, path and policy: what `domain/src/visual/tests.rs` promises holds for whatever the fuzzer thinks of.
//! A policy, where there is one, comes first, and ends with a line of `---`.

#![no_main]

use domain::visual::{Classified, FILES_MAX, Listing, Mode, Policy, REASONS_MAX, Reasons, Touched, classify};
use libfuzzer_sys::fuzz_target;

const PARTED: &[u8] = b"\n---\n";

fuzz_target!(|input: &[u8]| {
    let parted = input.windows(PARTED.len()).position(|window| window == PARTED);
    let (policy, raw) = match parted {
        Some(at) => (policy(&input[..at]), &input[at + PARTED.len()..]),
        None => (Policy::default(), input),
    };
    let listing = Listing::from_raw(raw);
    assert!(listing.touched.len() <= 2 * (FILES_MAX + 1));
    let classified = classify(&listing, &policy);
    assert_eq!(classified, classify(&listing, &policy), "classified twice, it says the same");
    bounded(&classified.visual);
    bounded(&classified.protected);
    assert!(listing.complete || (classified.is_visual() && classified.is_protected()), "in doubt, a person");
    only_what_is_plain_is_let_by(&listing, &classified);
    for touched in &listing.touched {
        alone(touched, &classified, &policy);
    }
    // A list is no path, but what the fuzzer makes of one may be.
    if let Ok(path) = std::str::from_utf8(raw) {
        as_a_path(path, &policy);
    }
});

/// The policy of a text; the closed one where it cannot be read.
fn policy(bytes: &[u8]) -> Policy {
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(Policy::parse(&text), Policy::parse(&text), "read twice, it says the same");
    Policy::parse(&text).unwrap_or_else(|refusal| {
        assert!(!refusal.message.is_empty() && !refusal.hint.is_empty());
        Policy::closed()
    })
}

fn bounded(reasons: &Reasons) {
    assert_eq!(reasons.first.len(), reasons.count.min(REASONS_MAX));
    assert!(reasons.first.is_sorted());
    for because in &reasons.first {
        assert!(!because.to_string().chars().any(char::is_control), "{because}");
    }
}

fn only_what_is_plain_is_let_by(listing: &Listing, classified: &Classified) {
    if classified.is_visual() {
        return;
    }
    for Touched { path, mode } in &listing.touched {
        assert!(matches!(mode, Mode::File | Mode::Executable | Mode::Absent), "{mode:?}");
        assert!(path.is_ascii() && !path.contains(['\\', ':']) && !path.contains("~1"), "{path:?}");
        assert!(!path.chars().any(char::is_control), "{path:?}");
        let odd = |segment: &str| matches!(segment.to_ascii_lowercase().as_str(), "" | "." | ".." | ".git");
        assert!(!path.split('/').any(|segment| odd(segment) || segment.ends_with(['.', ' '])), "{path:?}");
    }
}

/// What shows alone shows among others.
fn alone(touched: &Touched, all: &Classified, policy: &Policy) {
    let alone = classify(&Listing { touched: vec![touched.clone()], complete: true }, policy);
    assert!(all.is_visual() || !alone.is_visual(), "{touched:?}");
    assert!(all.is_protected() || !alone.is_protected(), "{touched:?}");
}

/// What is always protected is so in every case and under every policy, and a policy that knows nothing lets nothing by.
fn as_a_path(path: &str, policy: &Policy) {
    let of = |path: String, policy: &Policy| {
        classify(&Listing { touched: vec![Touched { path, mode: Mode::File }], complete: true }, policy)
    };
    let always = of(path.to_owned(), &Policy::closed());
    assert!(always.is_visual(), "{path:?}");
    for other in [path.to_owned(), path.to_ascii_lowercase(), path.to_ascii_uppercase()] {
        assert!(of(other, policy).is_protected() || !always.is_protected(), "{path:?}");
    }
}
