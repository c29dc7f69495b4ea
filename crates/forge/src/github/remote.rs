//! Where git finds a repository on GitHub, and the token that it shows there.

use secrecy::SecretString;
use url::Url;

use super::Inner;
use super::settings::Name;
use crate::{Fault, Remote};

/// What the API of GitHub Enterprise is below.
const ENTERPRISE: &str = "/api/v3";

/// Where it keeps the heads of pull requests.
const PULLS: &str = "refs/pull";

/// How the host of an API begins that has one of its own.
const API_HOST: &str = "api.";

impl Inner {
    pub(super) async fn remote(&self) -> Result<Remote, Fault> {
        let refused = |why: &str, next: &str| Fault::Refused { why: why.to_owned(), next: next.to_owned() };
        let url = clone_url(&self.api, &self.repository).ok_or_else(|| {
            refused("the address of the API does not tell that of git", "check the address of the API")
        })?;
        let pass = self.gate.pass(&self.line, &self.repository).await?;
        let token = pass.header.to_str().ok().and_then(|header| header.strip_prefix("Bearer "));
        let token = token.ok_or_else(|| refused("the token is no text", "copy the token again"))?;
        Ok(Remote { url, credential: Some(SecretString::from(token)), pulls: Some(PULLS.to_owned()) })
    }
}

/// `https://api.github.com` has its repositories on `https://github.com`, and `https://HOST/api/v3` on `https://HOST`.
fn clone_url(api: &str, of: &Name) -> Option<String> {
    let mut url = Url::parse(api).ok()?;
    let path = url.path().trim_end_matches('/');
    let site = path.strip_suffix(ENTERPRISE).unwrap_or(path).to_owned();
    if path.is_empty()
        && let Some(host) = url.host_str().and_then(|host| host.strip_prefix(API_HOST)).map(str::to_owned)
    {
        url.set_host(Some(&host)).ok()?;
    }
    url.set_path(&format!("{site}/{}/{}.git", of.owner, of.name));
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_git_follows_from_that_of_the_api() {
        let of = Name::parse("octocat/hello-world").expect("a name");
        for (api, site) in [
            ("https://api.github.com", "https://github.com"),
            ("https://api.octo.ghe.com/", "https://octo.ghe.com"),
            ("https://ghe.example.com/api/v3", "https://ghe.example.com"),
            ("https://ghe.example.com:8443/api/v3/", "https://ghe.example.com:8443"),
            ("http://127.0.0.1:4711", "http://127.0.0.1:4711"),
        ] {
            assert_eq!(clone_url(api, &of), Some(format!("{site}/octocat/hello-world.git")), "{api}");
        }
    }
}
