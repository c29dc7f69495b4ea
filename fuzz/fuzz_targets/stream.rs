//! Any stream of an agent: it is read without harm, what was used never falls, and what is told of it is bounded.
//!
//! The first byte says whose stream it is; the rest is lines.

#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use runner::{Agent, COUNT_MAX, ERROR_MAX, MICRO_USD_MAX, Meter, SAID_MAX, Source};

fuzz_target!(|data: &[u8]| {
    let Some((whose, stream)) = data.split_first() else { return };
    let program = PathBuf::new();
    let agent = match *whose {
        b'c' => Agent::Claude { program },
        b'x' => Agent::Codex { program },
        _ => Agent::Command { argv: Vec::new() },
    };
    let mut meter = Meter::of(&agent);
    let (mut tokens, mut lines) = (0, 0);
    for line in stream.split(|byte| *byte == b'\n') {
        meter.read(line);
        lines += 1;
        let usage = meter.usage();
        assert!(usage.tokens() >= tokens, "what was used is not less than before");
        tokens = usage.tokens();
        assert!(usage.cached_input_tokens <= usage.input_tokens, "{usage:?}");
        assert!(usage.micro_usd.is_none_or(|cost| (0..=MICRO_USD_MAX).contains(&cost)), "{usage:?}");
        assert!(usage.source != Source::Unknown || tokens == 0 && !usage.complete, "{usage:?}");
    }
    assert!(tokens <= COUNT_MAX.saturating_mul(4).saturating_mul(stream.len() as u64 + 1), "{tokens} of {lines} lines");
    assert!(meter.last_words().chars().count() <= SAID_MAX);
    assert!(meter.error().is_none_or(|error| error.chars().count() <= ERROR_MAX));
});
