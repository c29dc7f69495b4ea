use proptest::prelude::*;

use super::*;

/// Text that is random enough, and nobody's.
const RANDOM: &str = "q7Zk2mXv9TbR4nLw8JdF3sHg6PcY1aUe5QoKiVtMzB0yWxCxNrDfGhJkLpSa";
const DIGITS: &str = "123456789012345678";

fn whats(text: &str) -> Vec<&'static str> {
    find(text).into_iter().map(|found| found.what).collect()
}

fn check(text: &str, expect: &[&str]) {
    assert_eq!(whats(text), expect, "{text}");
}

#[test]
fn tokens_are_found_by_their_shape() {
    // Put together here, so that no scanner takes this file for a leak.
    let upper = RANDOM.to_uppercase();
    let hex = "0f3a9c7be1d24586".repeat(3);
    let jwt_part = |text: &str| format!("eyJ{text}");
    for (begins, rest, what) in [
        ("AKIA", &upper[..16], "an access key of AWS"),
        ("ASIA", &upper[..16], "an access key of AWS"),
        ("ghp_", &RANDOM[..36], "a token of GitHub"),
        ("gho_", &RANDOM[..36], "a token of GitHub"),
        ("ghu_", &RANDOM[..36], "a token of GitHub"),
        ("ghs_", &RANDOM[..36], "a token of GitHub"),
        ("ghr_", &RANDOM[..36], "a token of GitHub"),
        ("github_pat_", &format!("{}_{}", &RANDOM[..22], &RANDOM[..59]), "a token of GitHub"),
        ("glpat-", &RANDOM[..20], "a token of GitLab"),
        ("xoxb-", &format!("{DIGITS}-{}", &RANDOM[..24]), "a token of Slack"),
        ("xoxp-", &format!("{DIGITS}-{}", &RANDOM[..24]), "a token of Slack"),
        (
            "https://hooks.slack.com/",
            &format!("services/T{0}/B{0}/{1}", &upper[..8], &RANDOM[..24]),
            "the URL of a Slack webhook",
        ),
        ("https://discord.com/api/webhooks/", &format!("{DIGITS}/{RANDOM}"), "the URL of a Discord webhook"),
        (
            "https://canary.discordapp.com/api/v10/webhooks/",
            &format!("{DIGITS}/{RANDOM}"),
            "the URL of a Discord webhook",
        ),
        ("sk-ant-", &format!("api03-{RANDOM}"), "a key of Anthropic"),
        ("sk-", &RANDOM[..48], "a key of OpenAI"),
        ("AIza", &RANDOM[..35], "a key of Google"),
        ("npm_", &RANDOM[..36], "a token of npm"),
        ("pypi-", &format!("AgEI{RANDOM}"), "a token of PyPI"),
        ("sk_live_", &RANDOM[..24], "a live key of Stripe"),
        ("rk_live_", &RANDOM[..24], "a live key of Stripe"),
        ("-----BEGIN ", "PRIVATE KEY-----", "a private key"),
        ("-----BEGIN ", "RSA PRIVATE KEY-----", "a private key"),
        ("-----BEGIN ", "PGP PRIVATE KEY BLOCK-----", "a private key"),
        ("gapw_", &format!("{}_{}", &upper[..26], &hex[..38]), "a token of Gapwright"),
        ("postgres://gapwright:", &format!("{}@db.internal/gapwright", &RANDOM[..9]), "a URL with a password"),
        ("https://", &format!("x-access-token:{}@github.com/a/b", &RANDOM[..9]), "a URL with a password"),
    ] {
        for text in [
            format!("{begins}{rest}"),
            format!("it is `{begins}{rest}`, look"),
            format!("A=\"{begins}{rest}\""),
            format!("{{\"a\":\"b\\n{begins}{rest}\\n\"}}"),
            format!("b%3D{begins}{rest}"),
        ] {
            check(&text, &[what]);
        }
    }
    let jwt = format!("{}.{}.{}", jwt_part(&RANDOM[..20]), jwt_part(&RANDOM[..30]), &RANDOM[..43]);
    check(&format!("Authorization: Bearer {jwt}"), &["a signed token (JWT)"]);
    let openai = format!("sk-proj-{}", &RANDOM[..40]);
    check(&openai, &["a key of OpenAI"]);
    let minted = crate::agent::mint_token(crate::time::Time(1_795_334_400_000), (2, 0x1234_5678_9abc_def0 << 60));
    check(&minted.text, &["a token of Gapwright"]);
}

#[test]
fn the_values_of_fields_that_are_named_like_secrets_are_found() {
    let (secret, hex) = (&RANDOM[..24], "0f3a9c7be1d2458601bd77aa52c3e9f4");
    for text in [
        format!("secret = \"{secret}\""),
        format!("\"client_secret\": \"{secret}\","),
        format!("API_KEY={secret}"),
        format!("export DB_PASSWORD='{secret}'"),
        format!("apiKey: \"{secret}\""),
        format!("api-key := `{hex}`"),
        format!("let token: &str = \"{hex}\";"),
        format!("token => '{secret}'"),
        format!("  password: {secret}  # of the database"),
        format!("user=a&password={secret} and no more"),
    ] {
        check(&text, &["the value of a field that is named like a secret"]);
    }
}

#[test]
fn innocent_text_is_left_alone() {
    let base64 = RANDOM.repeat(4);
    for text in [
        String::new(),
        "830e93d8a1b2c3d4e5f60718293a4b5c6d7e8f90 test: what is left alone has a file of its own".to_owned(),
        "commit: 830e93d8a1b2c3d4e5f60718293a4b5c6d7e8f90".to_owned(),
        "token = \"830e93d8a1b2c3d4e5f60718293a4b5c6d7e8f90\"".to_owned(),
        "the token 3f2504e0-4f89-11d3-9a0c-0305e82c3301".to_owned(),
        "token: \"3f2504e0-4f89-11d3-9a0c-0305e82c3301\"".to_owned(),
        format!("\"integrity\": \"sha512-{base64}==\""),
        format!("checksum = \"{}\"", "404a3b8c486f205c87fe7f23ab6894d8".repeat(2)),
        format!("token_hash = \"{}\"", "404a3b8c486f205c87fe7f23ab6894d8".repeat(2)),
        format!("![a](data:image/png;base64,iVBORw0KGgo{base64})"),
        format!("token_icon = \"data:image/png;base64,{}\"", &base64[..100]),
        "password = \"changeme\"".to_owned(),
        "api_key = \"your-api-key-goes-here-1234\"".to_owned(),
        "token = \"${GITHUB_TOKEN_FOR_RELEASE1}\"".to_owned(),
        "token: ${{ secrets.GITHUB_TOKEN }}".to_owned(),
        "secret = \"xxxxxxxxxxxxxxxxxxxx1\"".to_owned(),
        "password = \"correct-horse-battery-staple-2\"".to_owned(),
        "let token = mint_token(now, random256bits());".to_owned(),
        "the password: see the runbook, section 12345678".to_owned(),
        "token = self.tokens.next()".to_owned(),
        format!("password={{{{x}}}}&commit={}", &RANDOM[..24]),
        ["AKIA", "IOSFODNN7EXAMPLE"].concat(),
        format!("ghp_{}", "x".repeat(36)),
        format!("ghp_{}", "0".repeat(36)),
        "sk-learn-is-a-library-for-machine-learning-in-python".to_owned(),
        "risk-aversion-and-the-theory-of-portfolio-selection-1952".to_owned(),
        "gapw_ is how every token begins".to_owned(),
        "-----BEGIN CERTIFICATE-----".to_owned(),
        "-----BEGIN PUBLIC KEY-----".to_owned(),
        "postgres://postgres:postgres@localhost/a".to_owned(),
        "postgres://user:password@localhost/a and ssh://git@github.com:a/b".to_owned(),
        "https://a:${TOKEN}@b and https://a:<password>@b".to_owned(),
        "https://github.com/a/b/issues/1?x=a:b@c".to_owned(),
        "https://discord.com/api/webhooks/ID/TOKEN and https://hooks.slack.com/services/T0/B0".to_owned(),
        "eyJ is how a JWT begins; eyJhbGciOiJIUzI1NiJ9 is a header".to_owned(),
    ] {
        check(&text, &[]);
    }
}

#[test]
fn each_is_told_by_its_line_once_and_no_more_than_the_bound() {
    let token = format!("ghp_{}", &RANDOM[..36]);
    let found = find(&format!("a\r\nb\n{token} {token}\nc"));
    assert_eq!(found, [Found { line: 3, what: "a token of GitHub" }]);
    assert_eq!(find(&format!("{token}\n").repeat(50)).len(), FOUND_MAX);
}

#[test]
fn a_text_of_nothing_but_beginnings_is_read_all_the_same() {
    for begins in ["glpat-", "eyJ.", "://", "token=", "sk-", "/webhooks/", "token:\""] {
        assert!(find(&begins.repeat(60_000 / begins.len())).len() <= FOUND_MAX);
    }
}

proptest! {
    #[test]
    fn every_text_is_read(
        parts in proptest::collection::vec(prop_oneof![
            any::<String>(),
            prop::sample::select(vec![
                "ghp_", "eyJ", ".", "://", "@", ":", "=", "\"", "token", "é", "-----BEGIN ", "PRIVATE KEY", "/webhooks/", "\n",
            ]).prop_map(str::to_owned),
        ], 0..30)
    ) {
        let text = parts.concat();
        let found = find(&text);
        prop_assert!(found.len() <= FOUND_MAX);
        prop_assert!(found.iter().all(|found| found.line <= text.split('\n').count()));
    }
}
