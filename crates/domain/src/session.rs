//! People at the page: who may sign in, for how long, and how a form proves that it is theirs.

use crate::agent::{Principal, Right, Role};
use crate::id;
use crate::refusal::{Code, Refusal};
use crate::time::Span;

/// How long somebody stays signed in: a working week. A token that ends sooner ends it sooner.
pub const LIFE: Span = Span::days(7);

/// How many characters of a secret there are: 256 bits in hexadecimal.
pub const SECRET_CHARS: usize = 64;

/// Refuses to let an agent sign in: the page is for people, and tells what a reviewer must not know.
pub fn may_sign_in(by: &Principal) -> Result<(), Refusal> {
    let person = match by.role {
        Role::Viewer | Role::Operator => by.claim.is_none(),
        Role::Routine | Role::Planner | Role::Implementer | Role::Reviewer | Role::Merger => false,
    };
    if person {
        return Ok(());
    }
    Err(Refusal::new(Code::Forbidden, format!("this token is of a {}, and the page is for people", by.role))
        .field("token")
        .hint("make one for yourself: gapwright token create --role operator --name NAME, or --role viewer to look"))
}

/// What the cookie of somebody who signs in holds, out of 256 random bits.
pub fn secret(random: (u128, u128)) -> String {
    format!("{:032x}{:032x}", random.0, random.1)
}

/// What is kept of a secret, or nothing where it cannot be one of ours.
pub fn id_of(secret: &str) -> Option<String> {
    let ours = secret.len() == SECRET_CHARS && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
    ours.then(|| id::digest(format!("session {secret}").as_bytes()))
}

/// What a form of somebody must carry: only a page that was shown to them can know it.
pub fn form_key(secret: &str) -> String {
    id::digest(format!("form {secret}").as_bytes())
}

/// Why somebody may not do what needs a right; none where they may.
pub fn kept_from(by: &Principal, right: Right) -> Option<String> {
    (!by.role.may(right)).then(|| format!("{} is signed in as {}, who may only look", by.name, by.role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_sign_in_and_agents_do_not() {
        let may = Role::ALL.map(|role| may_sign_in(&Principal::local("x", role)).is_ok());
        assert_eq!(may, Role::ALL.map(|role| matches!(role, Role::Viewer | Role::Operator)));
        let of_a_claim = Principal { claim: Some("c".into()), ..Principal::local("x", Role::Operator) };
        assert!(may_sign_in(&of_a_claim).is_err());
    }

    #[test]
    fn what_is_kept_and_what_a_form_carries_tell_nothing_of_a_secret_or_of_each_other() {
        let one = secret((1, 2));
        assert_eq!(one.len(), SECRET_CHARS);
        let (id, form) = (id_of(&one).expect("one of ours"), form_key(&one));
        assert_ne!(id, form);
        assert!(!id.contains(&one) && !form.contains(&one));
        assert_ne!(id_of(&secret((1, 3))), Some(id));
        for wrong in ["", "x", &one[1..], &format!("{one}0"), &one.replace('0', "g")] {
            assert_eq!(id_of(wrong), None, "{wrong}");
        }
    }
}
