//! How a GitHub App proves who it is: a signed claim that is good for some minutes.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::time::{Span, Time};
use reqwest::header::HeaderValue;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};

use super::settings::Bad;

/// How far the claim is dated back, for a clock of ours that is ahead of GitHub's: its own advice.
const BACK: Span = Span::secs(60);

/// How long the claim is good for from now on. GitHub takes ten minutes at most, and its clock may be behind.
const GOOD: Span = Span::mins(8);

/// A key that signs.
pub(super) struct Signer {
    issuer: String,
    key: RsaKeyPair,
}

impl Signer {
    pub(super) fn new(issuer: &str, key: &SecretString) -> Result<Self, Bad> {
        let next = "give the private key that GitHub made for the App, in PEM, from BEGIN to END";
        let bad = |why: &str| Bad::new(why, next);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if issuer.is_empty() || !issuer.bytes().all(plain) {
            return Err(Bad::new("the App's id is no id", "give the App id or the client id, as in 123456"));
        }
        let der = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes());
        let key = match der.map_err(|_| bad("the App's key cannot be read"))? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Sec1(_) => return Err(bad("the App's key is no RSA key")),
            _ => return Err(bad("the App's key is of a kind that is not known")),
        };
        Ok(Self { issuer: issuer.to_owned(), key: key.map_err(|_| bad("the App's key is no RSA key of 2048 bits"))? })
    }

    /// The claim, as a header that nobody prints.
    pub(super) fn header(&self, now: Time) -> Result<HeaderValue, Bad> {
        let bad = || Bad::new("the App's claim cannot be signed", "make a new key for the App");
        let (iat, exp) = ((now - BACK).0 / 1_000, (now + GOOD).0 / 1_000);
        let claim = serde_json::json!({ "iat": iat, "exp": exp, "iss": self.issuer });
        let part = |text: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(br#"{"alg":"RS256","typ":"JWT"}"#), part(claim.to_string().as_bytes()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        let made = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
        made.map_err(|_| bad())?;
        bearer(&format!("{signed}.{}", part(&signature))).ok_or_else(bad)
    }
}

/// A token as a header that nobody prints; none when no header can carry it.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}
