//! Settings that cannot be used are told before anything is asked.

use std::sync::Arc;

use domain::time::Time;
use forge::github::{Auth, Bad, GitHub, Settings};
use secrecy::SecretString;

fn settings() -> Settings {
    Settings::new("octocat/hello-world", Auth::Token(SecretString::from("s3cret")), Arc::new(|| Time(0)))
}

fn bad(settings: Settings) -> Bad {
    let bad = GitHub::new(settings).expect_err("it cannot be used");
    assert!(!bad.to_string().contains("s3cret"), "{bad}");
    assert!(!bad.next.is_empty() && bad.to_string().ends_with(&bad.next), "{bad}");
    bad
}

#[test]
fn an_address_is_https_or_this_machine() {
    for api in [
        "https://api.github.com",
        "https://github.example/api/v3/",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]",
    ] {
        assert!(GitHub::new(Settings { api: api.to_owned(), ..settings() }).is_ok(), "{api}");
    }
    for api in [
        "",
        "api.github.com",
        "http://api.github.com",
        "http://127.0.0.1.example",
        "ftp://api.github.com",
        "https://x:s3cret@api.github.com",
        "https://s3cret@api.github.com",
        "https://api.github.com?token=s3cret",
        "https://api.github.com#top",
    ] {
        bad(Settings { api: api.to_owned(), ..settings() });
    }
}

#[test]
fn a_repository_is_an_owner_and_a_name() {
    for repository in ["octocat/hello-world", "a/b", "Some-Org/a.b_c", "mona_short/x"] {
        let good = GitHub::new(Settings { repository: repository.to_owned(), ..settings() });
        assert!(good.is_ok(), "{repository}");
    }
    let long = format!("octocat/{}", "x".repeat(101));
    for repository in [
        "",
        "octocat",
        "/hello",
        "octocat/",
        "octocat/hello/world",
        "octocat/..",
        "../hello",
        "octocat/hello world",
        "octocat/hello?x",
        "https://x:s3cret@github.com/octocat/hello",
        "octocat/s3cret\n",
        &long,
    ] {
        bad(Settings { repository: repository.to_owned(), ..settings() });
    }
}

#[test]
fn a_credential_can_travel() {
    for token in ["", "  ", "s3cret\nx"] {
        bad(Settings { auth: Auth::Token(SecretString::from(token)), ..settings() });
    }
    let app = |id: &str, key: &str| Settings {
        auth: Auth::App { id: id.to_owned(), key: SecretString::from(key), installation: None },
        ..settings()
    };
    for key in ["", "s3cret", "-----BEGIN RSA PRIVATE KEY-----\nczNjcmV0\n-----END RSA PRIVATE KEY-----\n"] {
        bad(app("1", key));
    }
    for id in ["", "1 2", "1\"}"] {
        bad(app(id, "s3cret"));
    }
}
