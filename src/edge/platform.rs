//! The clock, randomness and the settings of the deployment. The domain gets all of these as
//! arguments.

use std::cell::OnceCell;
use std::rc::Rc;

use worker::Env;

use super::{Result, internal};
use crate::domain::access_jwt::AccessTeam;
use crate::domain::credential::TagKeys;
use crate::domain::id::RequestId;
use crate::domain::sealing::SealingKeys;
use crate::domain::time::Timestamp;

/// The current time. On the platform the clock advances only with I/O.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::from_millis(worker::js_sys::Date::now() as i64)
}

/// Random bytes from the platform.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| internal(&error.to_string()))?;
    Ok(bytes)
}

/// A number of 53 random bits that serves as a label. It is not cryptographically random: never use
/// it as a secret.
pub fn random_token() -> i64 {
    (worker::js_sys::Math::random() * 9_007_199_254_740_992.0) as i64
}

/// A request id for a request that is in no key's log.
pub fn unlogged_request_id() -> RequestId {
    RequestId::unlogged(random().unwrap_or_default())
}

/// The settings and secrets of a deployment.
#[derive(Debug)]
pub struct Settings {
    pub tag_keys: TagKeys,
    pub sealing_keys: SealingKeys,
    /// The token that the set-up of the first workspace asks for.
    pub setup_token: Option<String>,
    /// The hostnames of the API and of the console. If one is not set, any host serves its paths.
    pub api_host: Option<String>,
    pub console_host: Option<String>,
    /// The origin in the webhook URLs of keys; the request's own if not set.
    pub public_api_url: Option<String>,
    /// The origin of the console in links that people share; the request's own if not set.
    pub public_console_url: Option<String>,
    /// The name and the contact address of the company that runs this deployment.
    pub company: String,
    pub contact_email: Option<String>,
    /// Single sign-on with Cloudflare Access: the team's domain and the application's audience.
    pub access: Option<AccessTeam>,
    /// Whether a request may ask for a fault by header. Tests only.
    pub fault_injection: bool,
}

impl Settings {
    fn read(env: &Env) -> Result<Self> {
        let text = |name: &str| {
            env.var(name).ok().map(|value| value.to_string()).filter(|value| !value.is_empty())
        };
        let origin = |name: &str| text(name).map(|url| url.trim_end_matches('/').to_owned());
        let public_api_url = origin("PUBLIC_API_URL");
        let public_console_url = origin("PUBLIC_CONSOLE_URL");
        Ok(Self {
            tag_keys: text("TAG_KEYS")
                .and_then(|list| TagKeys::parse(&list))
                .ok_or_else(|| internal("The secret TAG_KEYS is missing or malformed."))?,
            sealing_keys: text("SEALING_KEYS")
                .and_then(|list| SealingKeys::parse(&list))
                .ok_or_else(|| internal("The secret SEALING_KEYS is missing or malformed."))?,
            setup_token: text("SETUP_TOKEN"),
            api_host: public_api_url.as_deref().and_then(host),
            console_host: public_console_url.as_deref().and_then(host),
            public_api_url,
            public_console_url,
            company: text("COMPANY_SHORT_NAME").unwrap_or_else(|| "Tidegate".to_owned()),
            contact_email: text("CONTACT_EMAIL"),
            access: text("ACCESS_TEAM_DOMAIN")
                .zip(text("ACCESS_AUDIENCE"))
                .and_then(|(domain, audience)| AccessTeam::new(&domain, &audience)),
            fault_injection: text("FAULT_INJECTION").as_deref() == Some("on"),
        })
    }
}

fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().map(str::to_lowercase).filter(|host| !host.is_empty())
}

thread_local! {
    static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
}

/// The deployment's settings, read once per isolate.
pub fn settings(env: &Env) -> Result<Rc<Settings>> {
    SETTINGS.with(|cell| match cell.get() {
        Some(settings) => Ok(Rc::clone(settings)),
        None => {
            let settings = Rc::new(Settings::read(env)?);
            Ok(Rc::clone(cell.get_or_init(|| settings)))
        }
    })
}
