//! A monitor to ask: its kind, its address, and the token that opens it.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::alert::clean;

/// The longest name of a source, in characters.
pub const SOURCE_NAME_MAX: usize = 100;

/// Which monitor it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Prometheus Alertmanager, or one that speaks its API v2.
    Alertmanager,
    /// Prometheus, or one that speaks its API (Mimir, Thanos, `VictoriaMetrics`).
    Prometheus,
    /// `SigNoz`, in the cloud or at home.
    Signoz,
}

/// A monitor to ask, checked.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    kind: Kind,
    /// Without a slash at its end, so that a path can follow.
    base: String,
    endpoint: Url,
    token: Option<SecretString>,
    token_header: HeaderName,
}

/// Why a source cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSource {
    /// The kind is none of ours.
    #[error("the kind is none of alertmanager, prometheus and signoz")]
    Kind,
    /// The name is empty, too long, or unprintable.
    #[error("the name is not 1 to {SOURCE_NAME_MAX} printable characters")]
    Name,
    /// The address cannot be read, or is not http or https.
    #[error("the url is not one of http or https, such as http://alertmanager:9093")]
    Url,
    /// The address has a user or a password in it, which would end up in logs.
    #[error("the url carries credentials: give them as the token")]
    Credentials,
    /// The address has a query or a fragment.
    #[error("the url has a query or a fragment: give the rest as the path")]
    Query,
    /// The path does not begin with a slash, or does not fit into an address.
    #[error("the path does not begin with a slash, as /api/v2/alerts does")]
    Path,
    /// The token's header is not the name of a header.
    #[error("the token's header is not a name such as Authorization")]
    TokenHeader,
    /// The token cannot be sent.
    #[error("the token is empty or holds characters that no header can carry")]
    Token,
}

impl Kind {
    /// Every kind, in the order of the reference.
    pub const ALL: [Self; 3] = [Self::Alertmanager, Self::Prometheus, Self::Signoz];

    /// Reads a kind by its name.
    pub fn parse(text: &str) -> Result<Self, BadSource> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(BadSource::Kind)
    }

    /// The kind as it is written in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Prometheus => "prometheus",
            Self::Signoz => "signoz",
        }
    }

    /// Where it lists what is firing.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Alertmanager => "/api/v2/alerts?active=true&silenced=false&inhibited=false",
            Self::Prometheus | Self::Signoz => "/api/v1/alerts",
        }
    }

    fn token_header(self) -> HeaderName {
        match self {
            Self::Alertmanager | Self::Prometheus => AUTHORIZATION,
            Self::Signoz => HeaderName::from_static("signoz-api-key"),
        }
    }
}

impl Source {
    /// A source at `url` (scheme, host, and perhaps a prefix), asked at its kind's own path and without a token.
    pub fn new(name: &str, kind: Kind, url: &str) -> Result<Self, BadSource> {
        if name.is_empty() || clean(name, SOURCE_NAME_MAX) != name {
            return Err(BadSource::Name);
        }
        let url = Url::parse(url).map_err(|_| BadSource::Url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadSource::Url);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadSource::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BadSource::Query);
        }
        let base = url.as_str().trim_end_matches('/').to_owned();
        let (name, token_header) = (name.to_owned(), kind.token_header());
        Self { name, kind, base, endpoint: url, token: None, token_header }.path(kind.path())
    }

    /// Asks at another path, which may have a query.
    pub fn path(mut self, path: &str) -> Result<Self, BadSource> {
        let printable = path.bytes().all(|byte| byte.is_ascii_graphic());
        if !path.starts_with('/') || !printable || path.contains('#') {
            return Err(BadSource::Path);
        }
        self.endpoint = Url::parse(&format!("{}{path}", self.base)).map_err(|_| BadSource::Path)?;
        Ok(self)
    }

    /// Shows a token: as `Authorization: Bearer …`, to `SigNoz` as `SIGNOZ-API-KEY: …`.
    pub fn token(mut self, token: SecretString) -> Result<Self, BadSource> {
        if token.expose_secret().is_empty() || HeaderValue::from_str(token.expose_secret()).is_err() {
            return Err(BadSource::Token);
        }
        self.token = Some(token);
        Ok(self)
    }

    /// Shows the token in another header. In any but `Authorization` it stands alone, without `Bearer`.
    pub fn token_header(mut self, name: &str) -> Result<Self, BadSource> {
        self.token_header = HeaderName::try_from(name).map_err(|_| BadSource::TokenHeader)?;
        Ok(self)
    }

    /// What the operator calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which monitor it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it is asked.
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// The header that shows the token, marked so that nobody prints it.
    pub(crate) fn credential(&self) -> Option<(HeaderName, HeaderValue)> {
        let token = self.token.as_ref()?.expose_secret();
        let scheme = if self.token_header == AUTHORIZATION { "Bearer " } else { "" };
        let mut value = HeaderValue::from_str(&format!("{scheme}{token}")).ok()?;
        value.set_sensitive(true);
        Some((self.token_header.clone(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(url: &str) -> Result<Source, BadSource> {
        Source::new("prod", Kind::Alertmanager, url)
    }

    #[test]
    fn a_source_is_asked_at_its_kinds_own_path_below_any_prefix() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.name()), Ok(kind));
            let source = Source::new("prod", kind, "https://monitor.example/prefix/").expect("a source");
            assert_eq!(source.endpoint().as_str(), format!("https://monitor.example/prefix{}", kind.path()));
        }
        assert_eq!(Kind::parse("nagios"), Err(BadSource::Kind));
        let moved =
            source("http://[::1]:9093").and_then(|source| source.path("/x?filter=a%3D%22b%22")).expect("a source");
        assert_eq!(moved.endpoint().as_str(), "http://[::1]:9093/x?filter=a%3D%22b%22");
    }

    #[test]
    fn a_source_that_would_leak_or_cannot_be_asked_is_refused() {
        for (url, why) in [
            ("", BadSource::Url),
            ("alertmanager:9093", BadSource::Url),
            ("ftp://alertmanager", BadSource::Url),
            ("http://", BadSource::Url),
            ("http://me@alertmanager", BadSource::Credentials),
            ("http://me:secret@alertmanager", BadSource::Credentials),
            ("http://:secret@alertmanager", BadSource::Credentials),
            ("http://alertmanager?key=secret", BadSource::Query),
            ("http://alertmanager#top", BadSource::Query),
        ] {
            assert_eq!(source(url).expect_err(url), why, "{url}");
        }
        for path in ["", "api", "@elsewhere.example/", "/a b", "/a\n", "/a#b"] {
            assert_eq!(source("http://monitor").and_then(|source| source.path(path)).expect_err(path), BadSource::Path);
        }
        for name in ["", " prod", "pr\nod", &"x".repeat(101)] {
            let refused = Source::new(name, Kind::Prometheus, "http://monitor").expect_err(name);
            assert_eq!(refused, BadSource::Name, "{name:?}");
        }
    }

    #[test]
    fn a_token_is_shown_in_the_kinds_header_and_never_printed() {
        let open = |kind| Source::new("prod", kind, "http://monitor").and_then(|source| source.token("s3cret".into()));
        let shown = |source: Source| {
            assert!(!format!("{source:?}").contains("s3cret"));
            let (name, value) = source.credential().expect("a header");
            assert!(!format!("{value:?}").contains("s3cret"));
            format!("{name}: {}", value.to_str().expect("text"))
        };
        assert_eq!(open(Kind::Prometheus).map(shown).as_deref(), Ok("authorization: Bearer s3cret"));
        assert_eq!(open(Kind::Signoz).map(shown).as_deref(), Ok("signoz-api-key: s3cret"));
        let other = open(Kind::Prometheus).and_then(|source| source.token_header("X-Scope"));
        assert_eq!(other.map(shown).as_deref(), Ok("x-scope: s3cret"));
        for token in ["", "a\nb"] {
            assert_eq!(
                source("http://monitor").and_then(|s| s.token(token.into())).expect_err(token),
                BadSource::Token
            );
        }
        let bad = source("http://monitor").and_then(|source| source.token_header("no header"));
        assert_eq!(bad.expect_err("a space"), BadSource::TokenHeader);
    }
}
